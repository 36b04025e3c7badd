import { LockIcon, SyncIcon } from "@primer/octicons-react";
import { Snippet } from "../../../../../../components/command-panel.tsx";
import { grantCommands } from "../../../../../../hooks/grant-commands.ts";
import type { SourceRow } from "../../../../../../hooks/hook-rows.ts";
import styles from "./hooks.module.css";

/** What of a layer could not be read, and what to do about it: nothing is left out silently. */
export function SourceNotes({
  sources,
  grantee,
}: {
  sources: readonly SourceRow[];
  grantee: { user: string; namespace: string };
}) {
  const forbidden = sources.filter(({ state }) => state === "forbidden");
  const failed = sources.filter(({ state }) => state === "failed");
  const loading = sources.filter(({ state }) => state === "loading");
  const cut = sources.filter(({ state, message }) => state === "ready" && message);
  const isWithoutKyverno =
    sources.some(({ resource }) => resource.endsWith("kyverno.io")) &&
    sources.filter(({ resource }) => resource.endsWith("kyverno.io")).every(({ state }) => state === "absent");
  return (
    <>
      {forbidden.length > 0 && (
        <div className={styles.note}>
          <LockIcon className="ink-amber" />
          <div className={styles.body}>
            <p>
              <strong>You may not list {kindsText(forbidden)}.</strong> What is there is not shown here. An
              administrator of the cluster can let you see it:
            </p>
            <Snippet text={grantCommands(forbidden, grantee)} />
          </div>
        </div>
      )}
      {[...failed, ...cut].map(({ uid, name, state, message }) => (
        <p key={uid} className={styles.note}>
          <span>
            <strong>{state === "failed" ? `${name} cannot be read now.` : `Not every ${name} is shown.`}</strong>{" "}
            {message}
          </span>
        </p>
      ))}
      {loading.length > 0 && (
        <p className={styles.note}>
          <SyncIcon className="spin ink-accent" /> <span>Still reading {kindsText(loading)}.</span>
        </p>
      )}
      {isWithoutKyverno && (
        <p className={`faint ${styles.foot}`}>
          Kyverno is not installed in this cluster. When it is, its policies appear here by themselves.
        </p>
      )}
    </>
  );
}

function kindsText(sources: readonly SourceRow[]): string {
  const names = sources.map(({ name }) => name);
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
