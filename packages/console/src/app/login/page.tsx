import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { Logo } from "../../components/logo.tsx";
import { nextPath } from "../../session/next-path.ts";
import { settings } from "../../settings.ts";
import styles from "./login.module.css";
import { SignInForm } from "./sign-in-form.tsx";

export const metadata: Metadata = { title: "Sign in" };

export default async function LoginPage({
  searchParams,
}: {
  searchParams: Promise<Record<string, string | undefined>>;
}) {
  const { next, stay } = await searchParams;
  const target = nextPath(next);
  if (settings().config.autoLoginTokenFile && stay === undefined) {
    redirect(`/api/session/auto?next=${encodeURIComponent(target)}`);
  }
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <Logo size={40} />
        <h1>Sign in to Krate</h1>
        <p className="muted">
          Krate is a Kubernetes API. Sign in with the token of your kubeconfig user; pages show what that user may see.
        </p>
        <SignInForm next={target} />
        <details className={styles.help}>
          <summary>Where is my token?</summary>
          <pre>
            kubectl config view --minify --raw \{"\n"} -o jsonpath='{"{.users[0].user.token}"}'
          </pre>
          <p className="muted">A ServiceAccount can be used as well:</p>
          <pre>kubectl create token NAME</pre>
        </details>
      </div>
    </main>
  );
}
