import { gitText, runGit } from "../process/git-process.ts";
import { readCommit, type Signature } from "./commits.ts";
import type { ReadOptions } from "./revision.ts";

/** Outcome of merging two trees without a work tree. */
export type MergeTreeResult =
  | { clean: true; treeId: string }
  | { clean: false; treeId: string; conflicts: string[]; messages: string[] };

export interface NewCommit {
  treeId: string;
  parents: string[];
  message: string;
  author: Signature;
  committer: Signature;
}

/** Three-way merge of two commits over their merge base; writes blobs and trees, moves nothing. */
export async function mergeTree(ours: string, theirs: string, read: ReadOptions): Promise<MergeTreeResult> {
  const result = await runGit(
    ["merge-tree", "--write-tree", "-z", "--name-only", "--messages", "--allow-unrelated-histories", ours, theirs],
    {
      ...read,
      okExitCodes: [0, 1],
    },
  );
  return parseMergeTree(result.stdout.toString("utf8"), result.exitCode === 0);
}

/**
 * Reads `merge-tree --write-tree -z --name-only --messages`:
 *
 *   output   = tree-id NUL *( path NUL ) NUL *( count NUL count*(path NUL) type NUL message NUL )
 */
export function parseMergeTree(output: string, clean: boolean): MergeTreeResult {
  const tokens = output.split("\0");
  const treeId = (tokens[0] ?? "").trim();
  if (clean) return { clean: true, treeId };
  const end = tokens.indexOf("", 1);
  const conflicts = tokens.slice(1, end < 0 ? undefined : end);
  const messages: string[] = [];
  for (let at = end + 1; end >= 0 && at < tokens.length - 1; ) {
    const paths = Number(tokens[at]);
    if (!Number.isInteger(paths)) break;
    const message = tokens[at + paths + 2];
    if (message) messages.push(message.trim());
    at += paths + 3;
  }
  return { clean: false, treeId, conflicts: [...new Set(conflicts)], messages };
}

/** Writes a commit object and answers its id. No ref moves. */
export async function commitTree(commit: NewCommit, read: ReadOptions): Promise<string> {
  const parents = commit.parents.flatMap((parent) => ["-p", parent]);
  return gitText(["commit-tree", "--no-gpg-sign", commit.treeId, ...parents, "-F", "-"], {
    ...read,
    // As git itself writes it: a message ends with a newline.
    stdin: commit.message === "" || commit.message.endsWith("\n") ? commit.message : `${commit.message}\n`,
    env: { ...read.env, ...identityEnvironment(commit) },
  });
}

/**
 * Applies the change of one commit on top of another, as cherry-pick does. git 2.39 has no `merge-tree --merge-base`, so a commit
 * with the target's tree and the picked commit's parent stands in for the target: its merge base with the picked commit is
 * that parent, which is what a cherry-pick merges over.
 * The picked commit keeps its author and message; a picked change that is already there answers the target itself.
 */
export async function cherryPick(
  picked: string,
  onto: string,
  committer: Signature,
  read: ReadOptions,
): Promise<{ clean: true; commitId: string } | Extract<MergeTreeResult, { clean: false }>> {
  const commit = await readCommit(picked, read);
  const target = await readCommit(onto, read);
  const stand: NewCommit = {
    treeId: target.treeId,
    parents: commit.parents.slice(0, 1),
    message: "",
    author: committer,
    committer,
  };
  const standIn = await commitTree(stand, read);
  const merged = await mergeTree(standIn, picked, read);
  if (!merged.clean) return merged;
  if (merged.treeId === target.treeId) return { clean: true, commitId: onto };
  const { message, author } = commit;
  return {
    clean: true,
    commitId: await commitTree({ treeId: merged.treeId, parents: [onto], message, author, committer }, read),
  };
}

function identityEnvironment({ author, committer }: NewCommit): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: author.at,
    GIT_COMMITTER_NAME: committer.name,
    GIT_COMMITTER_EMAIL: committer.email,
    GIT_COMMITTER_DATE: committer.at,
  };
}
