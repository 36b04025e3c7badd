import { isAncestor, isZeroObjectId, type ReadOptions, type RefCommand, runGit } from "@krate/git";
import type { RefAction } from "../ports.ts";

/** Most new commits that are looked at one by one; a larger push is an import, and rules judge its newest commits. */
export const maxNewCommits = 50_000;

/** Commits a push brings that no ref reaches yet, as a graph: id → parents (which may lie outside). */
export type NewHistory = ReadonlyMap<string, readonly string[]>;

/** Reads the graph of what `tips` reach and no ref does; one process, whatever the number of refs. */
export async function readNewHistory(tips: readonly string[], read: ReadOptions): Promise<NewHistory> {
  const graph = new Map<string, string[]>();
  if (tips.length === 0) return graph;
  const { stdout } = await runGit(
    ["rev-list", "--topo-order", "--parents", `--max-count=${maxNewCommits}`, "--stdin", "--not", "--all"],
    {
      ...read,
      stdin: `${tips.join("\n")}\n`,
    },
  );
  for (const line of stdout.toString("latin1").split("\n")) {
    const [id, ...parents] = line.split(" ");
    if (id) graph.set(id, parents);
  }
  return graph;
}

/** New commits reachable from `tip`, tip first. */
export function newCommitsOf(tip: string, history: NewHistory): string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  const open = [tip];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const parents = history.get(id);
    if (!parents || seen.has(id)) continue;
    seen.add(id);
    found.push(id);
    open.push(...parents);
  }
  return found;
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
  const parents = newCommitsOf(command.newId, history).flatMap((id) => history.get(id) ?? []);
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
