import { isReason } from "@krate/kinds";
import {
  FileDirectoryFillIcon,
  FileIcon,
  FileSubmoduleIcon,
  FileSymlinkFileIcon,
  GitCommitIcon,
} from "@primer/octicons-react";
import Link from "next/link";
import { Avatar } from "../../../../../components/avatar.tsx";
import { Markdown } from "../../../../../components/markdown.tsx";
import { sizeText } from "../../../../../components/size-text.ts";
import { Ago } from "../../../../../components/time.tsx";
import {
  type CommitBrief,
  commits,
  refs,
  type TreeEntry,
  type TreeView,
  textFile,
  tree,
} from "../../../../../upstream/gateway.ts";
import styles from "./code.module.css";
import { PathBar } from "./path-bar.tsx";
import { codePath } from "./paths.ts";

/** Entries shown of one directory: what no person reads to the end is not sent. */
const maxEntries = 1000;
const maxReadmeBytes = 512 * 1024;

export interface CodeViewProps {
  org: string;
  repository: string;
  namespace: string;
  defaultBranch: string;
  /** The default branch when absent. */
  rev?: string;
  path: string;
}

/** One directory: newest commit, entries, README. */
export async function CodeView(props: CodeViewProps) {
  const { org, repository, namespace, path } = props;
  const of = { namespace, repository };
  const known = props.rev ?? (await refs(of)).defaultBranch;
  const at = { org, repository, rev: known, path };
  let listing: TreeView;
  try {
    listing = await tree(of, known, path);
  } catch (error) {
    if (isReason(error, "NotFound") && props.rev === undefined) return <EmptyRepository branch={known} />;
    throw error;
  }
  const readme = listing.entries.find(
    ({ name, kind }) => kind === "file" && /^readme(\.(md|markdown|txt))?$/i.test(name),
  );
  const [history, text] = await Promise.all([
    commits(of, known, { path, limit: "1" }),
    readme ? textFile(of, known, readme.path, maxReadmeBytes) : undefined,
  ]);
  const latest = history.commits[0];
  return (
    <>
      <PathBar {...at} namespace={namespace} />
      <section className="card">
        {latest && (
          <div className="card-head">
            <Avatar name={latest.author.name} />
            <strong className={styles.author}>{latest.author.name}</strong>
            <span className="grow truncate">{latest.subject}</span>
            <span className="sha">{latest.sha.slice(0, 8)}</span>
            <span className={styles.when}>
              <Ago time={latest.author.at} />
            </span>
          </div>
        )}
        <ul className={styles.entries}>
          {path !== "" && (
            <li>
              <Link href={codePath("tree", { ...at, path: path.split("/").slice(0, -1).join("/") })} prefetch={false}>
                <span className={styles.up}>..</span>
              </Link>
            </li>
          )}
          {listing.entries.slice(0, maxEntries).map((entry) => (
            <Entry
              key={entry.path + entry.sha}
              entry={entry}
              at={at}
              commit={listing.lastCommits.commits[entry.lastCommit ?? ""]}
            />
          ))}
        </ul>
        {!listing.lastCommits.complete && (
          <p className={`muted ${styles.more}`}>
            The last changes of some entries are still being looked for; reload in a moment.
          </p>
        )}
        {listing.total > maxEntries && (
          <p className={`muted ${styles.more}`}>{listing.total - maxEntries} more entries are not shown: use git.</p>
        )}
      </section>
      {readme && text !== undefined && (
        <section className={`card ${styles.readme}`}>
          <div className="card-head">
            <FileIcon /> {readme.name}
          </div>
          <Markdown text={text} links={{ ...at, folder: path }} />
        </section>
      )}
    </>
  );
}

const icons = {
  directory: FileDirectoryFillIcon,
  submodule: FileSubmoduleIcon,
  symlink: FileSymlinkFileIcon,
} as const;

interface EntryProps {
  entry: TreeEntry;
  at: { org: string; repository: string; rev: string };
  /** The last that changed it; absent while it is being looked for. */
  commit: CommitBrief | undefined;
}

function Entry({ entry, at, commit }: EntryProps) {
  const { name, path, kind, size } = entry;
  const Shape = icons[kind as keyof typeof icons] ?? FileIcon;
  const label = (
    <>
      <Shape className={kind === "directory" ? "ink-accent" : "ink-grey"} /> {name}
    </>
  );
  return (
    <li>
      {kind === "submodule" ? (
        <span>{label}</span>
      ) : (
        <Link href={codePath(kind === "directory" ? "tree" : "blob", { ...at, path })} prefetch={false}>
          {label}
        </Link>
      )}
      <span className={`truncate ${styles.change}`}>{commit?.subject}</span>
      <span className={styles.size}>{size !== undefined && sizeText(size)}</span>
      <span className={styles.changed}>{commit && <Ago time={commit.committer.at} />}</span>
    </li>
  );
}

function EmptyRepository({ branch }: { branch: string }) {
  return (
    <section className={`card ${styles.empty}`}>
      <GitCommitIcon size={28} className="ink-grey" />
      <h2>Nothing was pushed yet</h2>
      <p className="muted">Push the first commit:</p>
      <pre>git push origin HEAD:refs/heads/{branch}</pre>
    </section>
  );
}
