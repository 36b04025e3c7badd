import { CommentDiscussionIcon } from "@primer/octicons-react";
import { Avatar } from "../components/avatar.tsx";
import styles from "./diff.module.css";
import type { Thread } from "./threads.ts";

/** The third pane of a review: every thread, also those whose lines are no longer in the diff. */
export function ThreadList({ threads, onPick }: { threads: Thread[]; onPick(thread: number): void }) {
  return (
    <aside className={styles.talk} aria-label="Conversation on lines">
      <h2>
        <CommentDiscussionIcon /> {threads.length} {threads.length === 1 ? "thread" : "threads"}
      </h2>
      <ul>
        {threads.map(({ name, path, line, comments, resolved, outdated }, index) => (
          <li key={name}>
            <button type="button" onClick={() => onPick(index)}>
              <span className="mono truncate">
                {path.slice(path.lastIndexOf("/") + 1)}
                {line !== undefined && `:${line}`}
              </span>
              <span className={styles.excerpt}>{comments[0]?.body}</span>
              <span className="row faint">
                <Avatar name={comments[0]?.author ?? ""} size={16} /> {comments[0]?.author}
                {comments.length > 1 && ` · ${comments.length - 1} ${comments.length === 2 ? "answer" : "answers"}`}
                {resolved && " · resolved"}
                {outdated && " · outdated"}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </aside>
  );
}
