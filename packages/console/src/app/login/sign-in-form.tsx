"use client";
import { AlertIcon } from "@primer/octicons-react";
import { useActionState } from "react";
import { signInWithToken } from "./actions.ts";
import styles from "./login.module.css";

export function SignInForm({ next }: { next: string }) {
  const [problem, action, pending] = useActionState(signInWithToken, undefined);
  return (
    <form action={action} className={styles.form}>
      <input type="hidden" name="next" value={next} />
      <label className="field">
        <span>Token</span>
        <input className="input mono" type="password" name="token" required autoComplete="off" spellCheck={false} />
      </label>
      {problem && (
        <p role="alert" className={styles.problem}>
          <AlertIcon /> {problem}
        </p>
      )}
      <button type="submit" className="button primary" disabled={pending}>
        {pending ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}
