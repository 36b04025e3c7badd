import { ApiError } from "@krate/kinds";
import { AlertIcon } from "@primer/octicons-react";
import type { ReactNode } from "react";
import styles from "./problem.module.css";

/** Says why a part of a page cannot be shown, in the API's words, which name what was attempted and who may not. */
export function Problem({ error, title }: { error: ApiError; title: string }) {
  return (
    <section role="alert" className={`card ${styles.problem}`}>
      <AlertIcon size={24} className="ink-amber" />
      <div>
        <h2>{title}</h2>
        <p className="muted">{error.message}</p>
        <p className="faint mono">
          {error.reason} · {error.code}
        </p>
      </div>
    </section>
  );
}

/** Renders a part of a page, or the API's reason why not. Everything that is no answer of an API stays an error. */
export async function orProblem(title: string, render: () => Promise<ReactNode>): Promise<ReactNode> {
  try {
    return await render();
  } catch (error) {
    if (error instanceof ApiError) return <Problem error={error} title={title} />;
    throw error;
  }
}
