import { isAncestor, isZeroObjectId, type ReadOptions, type RefCommand, runGit } from "@krate/git";
import type { RefAction } from "../ports.ts";

/** Most new commits that are looked at one by one; a larger push is an import, and rules judge its newest commits. */
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

/** Commits a push brings that no ref reaches yet, children before parents. */
export type NewHistory = ReadonlyMap<string, NewCommit>;

const fields = ["%H", "%P", "%an <%ae>", "%aI", "%s"];

/** Reads the graph of what `tips` reach and no ref does; one process, whatever the number of refs. */
export async function readNewHistory(tips: readonly string[], read: ReadOptions): Promise<NewHistory> {
  const history = new Map<string, NewCommit>();
  if (tips.length === 0) return history;
  const format = `--format=format:${fields.join("%x00")}`;
  const args = [
    "log",
    "-z",
    "--topo-order",
    format,
    "--no-show-signature",
    `--max-count=${maxNewCommits}`,
    "--stdin",
    "--not",
    "--all",
  ];
  const { stdout } = await runGit(args, { ...read, stdin: `${tips.join("\n")}\n` });
  const values = stdout.length === 0 ? [] : stdout.toString("utf8").split("\0");
  for (let at = 0; at + fields.length <= values.length; at += fields.length) {
    const [id = "", parents = "", author = "", date = "", title = ""] = values.slice(at, at + fields.length);
    history.set(id, { id, parents: parents === "" ? [] : parents.split(" "), title, author, at: date });
  }
  return history;
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
