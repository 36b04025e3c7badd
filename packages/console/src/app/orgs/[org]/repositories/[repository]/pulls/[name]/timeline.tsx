import {
  CheckIcon,
  CodeReviewIcon,
  CommentIcon,
  FileDiffIcon,
  GitMergeIcon,
  GitPullRequestClosedIcon,
  GitPullRequestIcon,
  type Icon,
  XIcon,
} from "@primer/octicons-react";
import Link from "next/link";
import type { ReactNode } from "react";
import { Avatar } from "../../../../../../../components/avatar.tsx";
import { Markdown } from "../../../../../../../components/markdown.tsx";
import { Ago } from "../../../../../../../components/time.tsx";
import styles from "./pull.module.css";
import type { TimelineEntry } from "./timeline-entries.ts";

/** The conversation of a pull request. */
export function Timeline({ entries, files }: { entries: TimelineEntry[]; files: string }) {
  return (
    <ol className={styles.timeline}>
      {entries.map((entry) => (
        <li key={entry.key}>
          <Entry entry={entry} files={files} />
        </li>
      ))}
    </ol>
  );
}

const decisions = {
  approve: { icon: CheckIcon, tone: "green", words: "approved these changes" },
  "request-changes": { icon: XIcon, tone: "red", words: "asked for changes" },
  comment: { icon: CodeReviewIcon, tone: "grey", words: "reviewed" },
} as const;

function Entry({ entry, files }: { entry: TimelineEntry; files: string }) {
  switch (entry.type) {
    case "opened":
      return (
        <Said icon={GitPullRequestIcon} entry={entry} words="opened this pull request">
          {entry.body ? <Markdown text={entry.body} /> : <p className={styles.silent}>No description.</p>}
        </Said>
      );
    case "comment":
      return (
        <Said icon={CommentIcon} entry={entry} words="commented">
          <Markdown text={entry.body} />
        </Said>
      );
    case "review": {
      const { icon, tone, words } = decisions[entry.decision];
      const marks = [...(entry.stale ? ["of an older commit"] : []), ...(entry.dismissed ? ["dismissed"] : [])];
      return (
        <Said icon={icon} tone={tone} entry={entry} words={[words, ...marks].join(", ")}>
          {entry.body && <Markdown text={entry.body} />}
        </Said>
      );
    }
    case "thread": {
      const { path, line, comments, resolved, outdated } = entry.thread;
      return (
        <Said icon={FileDiffIcon} entry={entry} words="commented on a line">
          <div className={styles.place}>
            <Link href={files} prefetch={false} className="mono link truncate">
              {path}
              {line !== undefined && `:${line}`}
            </Link>
            {resolved && <span className="badge tone-green">resolved</span>}
            {outdated && <span className="badge tone-amber">outdated</span>}
          </div>
          {comments.map(({ name, author, body, createdAt }, index) => (
            <div key={name} className={styles.reply}>
              {index > 0 && (
                <p className="row muted">
                  <Avatar name={author} size={18} /> <strong>{author}</strong> <Ago time={createdAt} />
                </p>
              )}
              <Markdown text={body} />
            </div>
          ))}
        </Said>
      );
    }
    case "merged":
      return (
        <Said
          icon={GitMergeIcon}
          tone="violet"
          entry={entry}
          words={`merged this${entry.sha ? ` as ${entry.sha.slice(0, 8)}` : ""}`}
        />
      );
    case "closed":
      return <Said icon={GitPullRequestClosedIcon} tone="red" entry={entry} words="closed this" />;
  }
}

function Said(props: { icon: Icon; tone?: string; entry: TimelineEntry; words: string; children?: ReactNode }) {
  const { icon: Shape, tone = "grey", entry, words, children } = props;
  return (
    <>
      <span className={`${styles.dot} tone-${tone}`}>
        <Shape />
      </span>
      <div className={children ? `card ${styles.said}` : styles.done}>
        <p className={styles.by}>
          <Avatar name={entry.author} />
          <strong>{entry.author}</strong>
          <span className="muted">
            {words} · <Ago time={entry.at} />
          </span>
        </p>
        {children}
      </div>
    </>
  );
}
