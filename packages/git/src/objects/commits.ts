import { runGit } from "../process/git-process.ts";
import type { ReadOptions } from "./revision.ts";

/** Who wrote or committed, and when (ISO 8601 with the zone they were in). */
export interface Signature {
  name: string;
  email: string;
  at: string;
}

export interface Commit {
  id: string;
  treeId: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  /** First line of the message. */
  subject: string;
  message: string;
}

export interface LogOptions {
  /** Commits to start from (ids). */
  include: string[];
  /** Commits whose history is left out (ids). */
  exclude?: string[];
  limit: number;
  skip?: number;
  /** Only commits that touch this path; followed exactly, not across renames. */
  path?: string;
  oldestFirst?: boolean;
  /** Goes on under the names the file of `path` had before. */
  follow?: boolean;
  /** Only commits whose author's name or address has this in it, in any case. */
  author?: string;
  /** In place of `path`: lines for `--stdin`, which can name a path that is not text. */
  stdin?: Buffer;
}

// Ten NUL-terminated fields per record. %G? is not asked for: it would run gpg.
const format = ["%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"].join("%x00");
const fieldCount = 10;
/** A message longer than this is cut: it is for showing, and nobody reads a megabyte of it. */
const maxMessageLength = 64 * 1024;

/** History in topological order, newest first. */
export async function log(options: LogOptions, read: ReadOptions): Promise<Commit[]> {
  const args = [
    "log",
    "-z",
    `--format=format:${format}`,
    `--max-count=${options.limit}`,
    "--no-show-signature",
    "--no-color",
  ];
  if (options.skip) args.push(`--skip=${options.skip}`);
  if (options.oldestFirst) args.push("--reverse");
  if (options.follow) args.push("--follow");
  if (options.author) args.push("--regexp-ignore-case", "--fixed-strings", `--author=${options.author}`);
  args.push(...options.include, ...(options.exclude ?? []).map((id) => `^${id}`));
  if (options.stdin) args.push("--stdin");
  else args.push("--", ...(options.path ? [`:(literal,top)${options.path}`] : []));
  const { stdout } = await runGit(args, { ...read, ...(options.stdin && { stdin: options.stdin }) });
  return parseCommits(stdout.toString("utf8"));
}

/** One commit. @throws {GitError} when `id` is not a commit. */
export async function readCommit(id: string, read: ReadOptions): Promise<Commit> {
  const { stdout } = await runGit(
    ["log", "-z", `--format=format:${format}`, "--max-count=1", "--no-show-signature", id, "--"],
    read,
  );
  const [commit] = parseCommits(stdout.toString("utf8"));
  if (!commit) throw new Error(`commit ${id} could not be read`);
  return commit;
}

/** Reads records of the fixed number of fields; `-z` separates them with one more NUL. */
export function parseCommits(output: string): Commit[] {
  if (output === "") return [];
  const fields = output.split("\0");
  const commits: Commit[] = [];
  for (let index = 0; index + fieldCount <= fields.length; index += fieldCount) {
    const [id, treeId, parents, an, ae, at, cn, ce, ct, message] = fields.slice(
      index,
      index + fieldCount,
    ) as string[] as [string, string, string, string, string, string, string, string, string, string];
    commits.push({
      id,
      treeId,
      parents: parents === "" ? [] : parents.split(" "),
      author: { name: an, email: ae, at },
      committer: { name: cn, email: ce, at: ct },
      subject: message.split("\n", 1)[0] ?? "",
      message: message.slice(0, maxMessageLength),
    });
  }
  return commits;
}
