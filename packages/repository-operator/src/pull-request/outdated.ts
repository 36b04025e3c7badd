/** Whether the lines of a review comment are still what they were. */
import { gitText, type ReadOptions } from "@krate/git";

/** One change of `git diff --unified=0`: `count` lines from `start` of the old file; 0 = something is inserted after `start`. */
export interface Hunk {
  start: number;
  count: number;
}

/**
 * Reads the hunk headers of a diff:
 *
 *   header = "@@ -" start [ "," count ] " +" start [ "," count ] " @@"
 */
export function parseHunks(diff: string): Hunk[] {
  return [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+/gm)].map(([, start, count]) => ({
    start: Number(start),
    count: count === undefined ? 1 : Number(count),
  }));
}

/** Lines from 1, both included. An insertion changes the lines only when it comes between them. */
export function touches(hunks: readonly Hunk[], lines: { first: number; last: number }): boolean {
  return hunks.some(({ start, count }) =>
    count === 0 ? start >= lines.first && start < lines.last : start <= lines.last && start + count - 1 >= lines.first,
  );
}

/** Changes of one file between two commits, without a rename being followed. */
export async function readHunks(path: string, from: string, to: string, read: ReadOptions): Promise<Hunk[]> {
  const options = ["--unified=0", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--text"];
  return parseHunks(
    await gitText(["diff-tree", "-r", "-p", ...options, from, to, "--", `:(literal,top)${path}`], read),
  );
}
