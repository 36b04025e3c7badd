import { GitError, isAncestor, isZeroObjectId, type ReadOptions, type RefCommand, runGit } from "@krate/git";
import type { RefAction } from "../ports.ts";
import { judgedRefs } from "./advertise.ts";

/** Most new commits that are looked at one by one. A larger push is an import: it is taken only when no rule asks for its commits. */
export const maxNewCommits = 50_000;

/** One new commit; parents may lie outside the push. */
export interface NewCommit {
  id: string;
  parents: readonly string[];
  title: string;
  /** `Name <mail>` */
  author: string;
  /** Author date, ISO 8601. */
  at: string;
}

/** Commits a push brings that no ref reaches yet, those of pull requests aside, children before parents. */
export type NewHistory = ReadonlyMap<string, NewCommit>;

export interface NewObjects {
  history: NewHistory;
  /** Ids of the trees, blobs and tags that came with a small push; absent for a large one. */
  others?: readonly string[];
}

/** Lines of a commit in the output; the NUL in front tells them from paths, which never hold one. */
const format = ["--format=format:%x00%H%x00%P%x00%an <%ae>%x00%aI%x00%s", "--no-commit-header"];

/**
 * Reads what `tips` reach and no ref does, and thereby checks that it is all there: walking to every object fails on the first
 * that is missing. One process for a small push; for a large one the walk over objects and the list of commits run side by
 * side, so that not every path of an import passes through here.
 * @throws {GitError} with failure "exit" when something is missing.
 */
export async function readNewHistory(
  tips: readonly string[],
  read: ReadOptions,
  options: { small: boolean },
): Promise<NewObjects> {
  const walk = (args: string[]) =>
    runGit(["rev-list", ...args, "--stdin", "--not", ...judgedRefs], { ...read, stdin: `${tips.join("\n")}\n` });
  const commits = ["--topo-order", ...format];
  if (options.small) {
    try {
      const { stdout } = await walk(["--objects", ...commits]);
      return { history: parseHistory(stdout), others: parseOthers(stdout) };
    } catch (error) {
      // A small pack on top of objects that only a deleted ref had reached: a long walk after all.
      if (!(error instanceof GitError) || error.failure !== "output-limit") throw error;
    }
  }
  const [{ stdout }] = await Promise.all([
    walk([...commits, `--max-count=${maxNewCommits + 1}`]),
    walk(["--objects", "--quiet", "--alternate-refs"]),
  ]);
  return { history: parseHistory(stdout) };
}

/** Commits `tip` reaches and `base` does not, whichever other refs reach them, children before parents. */
export async function readCommitsBetween(base: string, tip: string, read: ReadOptions): Promise<NewCommit[]> {
  const args = ["rev-list", "--topo-order", ...format, `--max-count=${maxNewCommits + 1}`, "--stdin"];
  const { stdout } = await runGit(args, { ...read, stdin: `${tip}\n^${base}\n` });
  return [...parseHistory(stdout).values()];
}

function parseHistory(output: Buffer): NewHistory {
  const history = new Map<string, NewCommit>();
  for (const line of output.toString("utf8").split("\n")) {
    if (!line.startsWith("\0")) continue;
    const [, id = "", parents = "", author = "", at = "", title = ""] = line.split("\0");
    history.set(id, { id, parents: parents === "" ? [] : parents.split(" "), title, author, at });
  }
  return history;
}

/** Lines of other objects: id, and where it was found. */
function parseOthers(output: Buffer): string[] {
  return [...output.toString("latin1").matchAll(/^([0-9a-f]{40})(?: |$)/gm)].map(([, id]) => id as string);
}

/** New commits reachable from `tip`, children before parents. */
export function newCommitsOf(tip: string, history: NewHistory): NewCommit[] {
  const reached = new Set<string>();
  const open = [tip];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const commit = history.get(id);
    if (!commit || reached.has(id)) continue;
    reached.add(id);
    open.push(...commit.parents);
  }
  if (reached.size === history.size) return [...history.values()];
  return reached.size === 0 ? [] : [...history.values()].filter(({ id }) => reached.has(id));
}

/** What a command does to its ref. `isFastForward` holds for creations and for updates whose old value stays reachable. */
export async function classify(
  command: RefCommand,
  history: NewHistory,
  read: ReadOptions,
): Promise<{ action: RefAction; isFastForward: boolean }> {
  if (isZeroObjectId(command.newId)) return { action: "delete", isFastForward: false };
  if (isZeroObjectId(command.oldId)) return { action: "create", isFastForward: true };
  if (command.ref.startsWith("refs/tags/")) return { action: "force-update", isFastForward: false };
  const parents = newCommitsOf(command.newId, history).flatMap((commit) => commit.parents);
  const forward = parents.includes(command.oldId) || (await isForward(command, read));
  return forward ? { action: "update", isFastForward: true } : { action: "force-update", isFastForward: false };
}

async function isForward(command: RefCommand, read: ReadOptions): Promise<boolean> {
  try {
    return await isAncestor(command.oldId, command.newId, read);
  } catch {
    // Refs outside refs/heads may point at trees and blobs, which have no history: never a fast-forward.
    return false;
  }
}
