import type { FolderChange } from "./history-walk.ts";

/** Names of a folder with the commit that last changed each: as `git log -1 <rev> -- <folder>/<name>` says it. */
export type LastCommitIds = ReadonlyMap<string, string>;

export interface AssignInput {
  /** Names in the folder at `start`, as bytes. */
  names: Iterable<string>;
  history: AsyncIterable<FolderChange>;
  /** All names of the folder at a commit, when they are known already. */
  known(commitId: string): LastCommitIds | undefined;
  onAssigned(commitId: string, names: readonly string[]): void;
}

/**
 * Gives every name its commit. A name belongs to the first commit that differs in it from all of its parents; from a commit that
 * does not, it is followed to the first parent that has the same (git's own simplification of the history of one path). Where the
 * way meets a commit whose answer is known, it ends: after a push only what the push brought is looked at.
 *
 * Answers the first commit of the history, for which all names are known now, or undefined for a folder without names.
 */
export async function assignLastCommits({
  names,
  history,
  known,
  onAssigned,
}: AssignInput): Promise<string | undefined> {
  const waiting = new Map<string, Set<string>>();
  let first: string | undefined;
  let open = 0;
  const assign = (commitId: string, found: readonly string[]) => {
    open -= found.length;
    if (found.length > 0) onAssigned(commitId, found);
  };
  for await (const change of history) {
    if (first === undefined) {
      first = change.commitId;
      waiting.set(first, new Set(names));
      open = waiting.get(first)?.size ?? 0;
    }
    const here = waiting.get(change.commitId);
    if (!here) continue;
    waiting.delete(change.commitId);
    const groups = grouped(here, known(change.commitId));
    if (groups) for (const [commitId, found] of groups) assign(commitId, found);
    else assign(change.commitId, passOn(change, here, waiting));
    if (open === 0) break;
  }
  return first;
}

/** Hands names on to the parents that have the same; answers those that are of this commit. */
function passOn({ parents, changed }: FolderChange, here: Set<string>, waiting: Map<string, Set<string>>): string[] {
  const [parent] = parents;
  if (parent === undefined) return [...here];
  if (parents.length === 1) {
    const own = [...(changed[0] ?? [])].filter((name) => here.delete(name));
    wait(parent, here, waiting);
    return own;
  }
  const own: string[] = [];
  const shares = parents.map(() => new Set<string>());
  for (const name of here) {
    const same = changed.findIndex((differs) => !differs.has(name));
    if (same < 0) own.push(name);
    else shares[same]?.add(name);
  }
  for (const [index, share] of shares.entries()) wait(parents[index] as string, share, waiting);
  return own;
}

function wait(commitId: string, names: Set<string>, waiting: Map<string, Set<string>>): void {
  if (names.size === 0) return;
  const there = waiting.get(commitId);
  if (!there) waiting.set(commitId, names);
  else if (there.size >= names.size) for (const name of names) there.add(name);
  else {
    for (const name of there) names.add(name);
    waiting.set(commitId, names);
  }
}

/** Names by their commit; undefined unless all of them are known. */
function grouped(names: Iterable<string>, answer: LastCommitIds | undefined): Map<string, string[]> | undefined {
  if (!answer) return undefined;
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const commitId = answer.get(name);
    if (commitId === undefined) return undefined;
    const group = groups.get(commitId);
    if (group) group.push(name);
    else groups.set(commitId, [name]);
  }
  return groups;
}
