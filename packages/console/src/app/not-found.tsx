import Link from "next/link";
import { Logo } from "../components/logo.tsx";
import styles from "../components/message.module.css";

export default function NotFound() {
  return (
    <main className={styles.message}>
      <Logo size={36} />
      <h1>There is nothing here</h1>
      <p className="muted">It does not exist, or it was renamed or deleted.</p>
      <Link href="/orgs" className="button">
        All organizations
      </Link>
    </main>
  );
}
