"use client";
import styles from "../components/message.module.css";

/** Shown when a page could not be made; the digest finds the error in the console's log. */
export default function PageError({ error, reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <main className={styles.message}>
      <h1>This page could not be made</h1>
      <p className="muted">The API server may be away. Nothing was changed.</p>
      {error.digest && <p className="faint mono">error {error.digest}</p>}
      <button type="button" className="button" onClick={reset}>
        Try again
      </button>
    </main>
  );
}
