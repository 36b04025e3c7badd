import {
  changedPaths,
  emptyTreeId,
  isZeroObjectId,
  ObjectReader,
  type ReadOptions,
  type RefCommand,
  runGit,
} from "@krate/git";
import type { CommitFacts, RefAction, RefUpdateFacts } from "../ports.ts";
import { type NewHistory, newCommitsOf } from "./new-history.ts";

/** Most commits of one update whose messages and paths a rule may ask for. */
const maxJudgedCommits = 10_000;
/** Paths of a commit above this number are cut: rules look for the presence of a path. */
const maxPathsPerCommit = 50_000;
/** A commit object above this size is not read; nobody signs or words a commit that long. */
const maxCommitBytes = 1024 * 1024;

export interface UpdateFactsInput {
  command: RefCommand;
  action: RefAction;
  isFastForward: boolean;
  history: NewHistory;
  read: ReadOptions;
  /** Object directory of the quarantine alone, absent when the push brought no pack. */
  quarantineObjects?: string;
}

/** Facts of one update; what costs a process is read when a rule asks and then kept. */
export function updateFacts(input: UpdateFactsInput): RefUpdateFacts {
  const { command, action, isFastForward } = input;
  let commits: Promise<CommitFacts[]> | undefined;
  return {
    ref: command.ref,
    oldSha: command.oldId,
    newSha: command.newId,
    action,
    isFastForward,
    commits: () => {
      commits ??= isZeroObjectId(command.newId) ? Promise.resolve([]) : readCommitFacts(input);
      return commits;
    },
    blobsLargerThan: (bytes) => readLargeBlobs(bytes, input),
  };
}

async function readCommitFacts({ command, history, read }: UpdateFactsInput): Promise<CommitFacts[]> {
  const commits = newCommitsOf(await peel(command.newId, read), history).slice(0, maxJudgedCommits);
  const reader = new ObjectReader(read);
  try {
    const facts: CommitFacts[] = [];
    for (const { id } of commits) {
      const info = await reader.info(id);
      if (info?.type !== "commit" || info.size > maxCommitBytes) continue;
      const object = await reader.read(id);
      if (object)
        facts.push({ ...parseCommit(id, object.content.toString("utf8")), paths: await pathsOf(id, history, read) });
    }
    return facts;
  } finally {
    reader.close();
  }
}

async function pathsOf(id: string, history: NewHistory, read: ReadOptions): Promise<string[]> {
  const parent = history.get(id)?.parents[0] ?? emptyTreeId;
  return (await changedPaths(parent, id, read)).slice(0, maxPathsPerCommit);
}

/** An annotated tag stands for the commit it names. */
async function peel(id: string, read: ReadOptions): Promise<string> {
  const { stdout, exitCode } = await runGit(["rev-parse", "--verify", "--quiet", `${id}^{commit}`], {
    ...read,
    okExitCodes: [0, 1, 128],
  });
  return exitCode === 0 ? stdout.toString("latin1").trim() : id;
}

/**
 * Reads a commit object (gitformat "commit"):
 *
 *   commit = *header LF message       header = key SP value LF *( SP continuation LF )
 */
export function parseCommit(sha: string, text: string): Omit<CommitFacts, "paths"> {
  const split = text.indexOf("\n\n");
  const headers = (split < 0 ? text : text.slice(0, split)).split("\n");
  const valuesOf = (key: string) =>
    headers.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  return {
    sha,
    parents: valuesOf("parent"),
    signed: headers.some((line) => /^gpgsig(-sha256)? /.test(line)),
    message: split < 0 ? "" : text.slice(split + 2),
  };
}

/** Blobs of the quarantine above a size. Listing only the quarantine bounds the work by the push, not by the repository. */
async function readLargeBlobs(bytes: number, { command, quarantineObjects, read }: UpdateFactsInput) {
  if (!quarantineObjects || isZeroObjectId(command.newId)) return [];
  const { stdout } = await runGit(
    [
      "cat-file",
      "--batch-all-objects",
      "--unordered",
      "--buffer",
      "--batch-check=%(objecttype) %(objectsize) %(objectname)",
    ],
    { gitDir: read.gitDir, env: { GIT_OBJECT_DIRECTORY: quarantineObjects } },
  );
  const large = new Map<string, number>();
  for (const line of stdout.toString("latin1").split("\n")) {
    const [type, size, sha] = line.split(" ");
    if (type === "blob" && sha && Number(size) > bytes) large.set(sha, Number(size));
  }
  if (large.size === 0) return [];
  const paths = await pathsOfBlobs(new Set(large.keys()), command.newId, read);
  return [...large].filter(([sha]) => paths.has(sha)).map(([sha, size]) => ({ sha, size, path: paths.get(sha) }));
}

/** Where the blobs stand in what `tip` brings; a blob it does not reach belongs to another ref of the push. */
async function pathsOfBlobs(blobs: ReadonlySet<string>, tip: string, read: ReadOptions): Promise<Map<string, string>> {
  const { stdout } = await runGit(["rev-list", "--objects", tip, "--not", "--all"], read);
  const paths = new Map<string, string>();
  for (const line of stdout.toString("utf8").split("\n")) {
    const sha = line.slice(0, 40);
    if (blobs.has(sha) && !paths.has(sha)) paths.set(sha, line.slice(41));
  }
  return paths;
}
