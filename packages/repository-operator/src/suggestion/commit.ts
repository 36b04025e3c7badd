/** The commit that applies suggestions, and how it is found again after a crash. */
import { join } from "node:path";
import { commitTree, findEntry, gitText, type ReadOptions, readCommit, runGit, type Signature } from "@krate/git";
import type { Person } from "../merge/message.ts";

const trailerKey = "Krate-Suggestion";
const maxCandidates = 20;

export interface AppliedComment {
  namespace: string;
  name: string;
  uid: string;
  path: string;
  suggester: Person;
}

export function trailerOf({ namespace, name, uid }: Pick<AppliedComment, "namespace" | "name" | "uid">): string {
  return `${trailerKey}: ${namespace}/${name}@${uid}`;
}

/** Who suggested is named as co-author, unless it is the author. */
export function renderMessage(comments: readonly AppliedComment[], author: Person): string {
  const paths = [...new Set(comments.map(({ path }) => path.replace(/\s+/g, " ")))];
  const what = comments.length === 1 ? "suggestion" : `${comments.length} suggestions`;
  const where = paths.length === 1 ? (paths[0] as string) : `${paths.length} files`;
  const coAuthors = new Map(comments.map(({ suggester }) => [suggester.email.toLowerCase(), suggester]));
  coAuthors.delete(author.email.toLowerCase());
  const trailers = [
    ...[...coAuthors.values()].map(({ name, email }) => `Co-authored-by: ${oneLine(name)} <${oneLine(email)}>`),
    ...comments.map(trailerOf),
  ];
  return `Apply ${what} to ${where}\n\n${trailers.join("\n")}\n`;
}

function oneLine(text: string): string {
  return text.replace(/[\s<>]+/g, " ").trim();
}

/** The commit on the head, since it left the base, that says it applied this comment and is the server's. */
export async function findApplied(
  comment: Pick<AppliedComment, "namespace" | "name" | "uid">,
  { headSha, baseSha, committer }: { headSha: string; baseSha: string | undefined; committer: Person },
  read: ReadOptions,
): Promise<string | undefined> {
  const trailer = trailerOf(comment);
  const options = ["--fixed-strings", `--grep=${trailer}`, `--max-count=${maxCandidates}`];
  const found = await gitText(["rev-list", ...options, headSha, ...(baseSha ? [`^${baseSha}`] : []), "--"], read);
  for (const id of found.split("\n").filter(Boolean)) {
    const commit = await readCommit(id, read);
    const isOurs = commit.committer.email === committer.email && commit.message.split("\n").includes(trailer);
    if (isOurs) return id;
  }
  return undefined;
}

/** A commit on top of `parent` in which the files have other contents. */
export async function commitFiles(
  {
    parent,
    files,
    message,
    author,
    committer,
  }: {
    parent: string;
    files: ReadonlyMap<string, Buffer>;
    message: string;
    author: Signature;
    committer: Signature;
  },
  read: ReadOptions,
): Promise<string> {
  const withIndex = { ...read, env: { ...read.env, GIT_INDEX_FILE: join(read.gitDir, "krate-index") } };
  await runGit(["read-tree", parent], withIndex);
  for (const [path, content] of files) {
    const { kind } = await findEntry(parent, path, read);
    const blob = await gitText(["hash-object", "-w", "--stdin"], { ...read, stdin: content });
    const stdin = `${kind === "executable" ? "100755" : "100644"} ${blob}\t${path}\0`;
    await runGit(["update-index", "-z", "--index-info"], { ...withIndex, stdin });
  }
  const treeId = await gitText(["write-tree"], withIndex);
  return commitTree({ treeId, parents: [parent], message, author, committer }, read);
}
