"use client";
import { AlertIcon, CheckIcon, GitMergeIcon } from "@primer/octicons-react";
import { type ReactNode, useActionState } from "react";
import { actOnPull } from "./actions.ts";
import styles from "./pull.module.css";

export interface PullFormProps {
  org: string;
  name: string;
  headSha: string;
  isOpen: boolean;
  canMerge: boolean;
  /** The `</>` panel of these actions. */
  children: ReactNode;
}

export function PullForm({ org, name, headSha, isOpen, canMerge, children }: PullFormProps) {
  const [{ problem }, act, pending] = useActionState(actOnPull, {});
  return (
    <form action={act} className={`card ${styles.form}`}>
      <input type="hidden" name="org" value={org} />
      <input type="hidden" name="name" value={name} />
      <input type="hidden" name="headSha" value={headSha} />
      <label className="field">
        <span>Comment</span>
        <textarea className="input" name="body" placeholder="Markdown" disabled={pending} />
      </label>
      {problem && (
        <p role="alert" className={styles.problem}>
          <AlertIcon /> {problem}
        </p>
      )}
      <div className={styles.buttons}>
        {canMerge && (
          <button type="submit" name="action" value="merge" className="button primary" disabled={pending}>
            <GitMergeIcon /> Merge
          </button>
        )}
        <span className="grow" />
        {isOpen && (
          <>
            <button type="submit" name="action" value="request-changes" className="button" disabled={pending}>
              Request changes
            </button>
            <button type="submit" name="action" value="approve" className="button" disabled={pending}>
              <CheckIcon /> Approve
            </button>
          </>
        )}
        <button type="submit" name="action" value="comment" className="button" disabled={pending}>
          Comment
        </button>
        {children}
      </div>
    </form>
  );
}
