/**
 * Where the lines of a review comment are in another version of their file: pure.
 *
 *   untouched by every change  ──►  the same lines, shifted by what changed above
 *   touched, but the very same lines came up elsewhere among what was added  ──►  there: they were moved
 *   anything else  ──►  outdated
 */
import { gitText, type ReadOptions } from "@krate/git";

/** One change of `git diff --unified=0`: `count` lines from `start` of the old file, 0 = something is inserted after `start`; the same of the new one. */
export interface Hunk {
  start: number;
  count: number;
  newStart: number;
  newCount: number;
}

/** From 1, both included. */
export interface Lines {
  first: number;
  last: number;
}

/**
 * Reads the hunk headers of a diff:
 *
 *   header = "@@ -" start [ "," count ] " +" start [ "," count ] " @@"
 */
export function parseHunks(diff: string): Hunk[] {
  return [...diff.matchAll(/^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/gm)].map(
    ([, start, count = "1", newStart, newCount = "1"]) => ({
      start: Number(start),
      count: Number(count),
      newStart: Number(newStart),
      newCount: Number(newCount),
    }),
  );
}

/** An insertion changes the lines only when it comes between them. */
export function touches(hunks: readonly Pick<Hunk, "start" | "count">[], lines: Lines): boolean {
  return hunks.some(({ start, count }) =>
    count === 0 ? start >= lines.first && start < lines.last : start <= lines.last && start + count - 1 >= lines.first,
  );
}

/** The lines in the new file; undefined when they are not there as they were. Without the texts, lines that were moved are not found. */
export function relocate(
  lines: Lines,
  { hunks, before, after }: { hunks: readonly Hunk[]; before?: readonly string[]; after?: readonly string[] },
): Lines | undefined {
  if (before && lines.last > before.length) return undefined;
  if (touches(hunks, lines)) return before && after && findMoved(lines, { hunks, before, after });
  const isAbove = ({ start, count }: Hunk) => (count === 0 ? start < lines.first : start + count - 1 < lines.first);
  const shift = hunks.filter(isAbove).reduce((sum, { count, newCount }) => sum + newCount - count, 0);
  return { first: lines.first + shift, last: lines.last + shift };
}

/** Lines above and below that decide between places of the same lines. */
const contextLines = 3;
/** Fewer letters and digits than these are found everywhere: what stands around them must be the same as well. */
const distinctiveCharacters = 4;

/** Only among what was added: the same lines that stood elsewhere before are others. */
function findMoved(
  { first, last }: Lines,
  { hunks, before, after }: { hunks: readonly Hunk[]; before: readonly string[]; after: readonly string[] },
): Lines | undefined {
  const wanted = before.slice(first - 1, last);
  const isDistinctive = wanted.join("").replace(/[^\p{L}\p{N}]/gu, "").length >= distinctiveCharacters;
  const isAdded = (line: number) =>
    hunks.some(({ newStart, newCount }) => line >= newStart && line < newStart + newCount);
  let best: { lines: Lines; score: number } | undefined;
  let isUnique = true;
  for (let at = 1; at + wanted.length - 1 <= after.length; at++) {
    const found = { first: at, last: at + wanted.length - 1 };
    if (!wanted.every((line, index) => after[at - 1 + index] === line)) continue;
    if (!isMostlyAdded(found, isAdded)) continue;
    const score = contextScore({ first, last }, found, before, after);
    if (!isDistinctive && score === 0) continue;
    if (!best || score > best.score) [best, isUnique] = [{ lines: found, score }, true];
    else if (score === best.score) isUnique = false;
  }
  return isUnique ? best?.lines : undefined;
}

/** A diff may take single lines at the edge of a moved block, such as an empty one, for lines that stayed. */
function isMostlyAdded({ first, last }: Lines, isAdded: (line: number) => boolean): boolean {
  let added = 0;
  for (let line = first; line <= last; line++) if (isAdded(line)) added++;
  return added * 2 > last - first + 1;
}

function contextScore(old: Lines, next: Lines, before: readonly string[], after: readonly string[]): number {
  const same = (a: number, b: number) =>
    a >= 1 && b >= 1 && before[a - 1] !== undefined && before[a - 1] === after[b - 1];
  let score = 0;
  for (let distance = 1; distance <= contextLines && same(old.first - distance, next.first - distance); distance++)
    score++;
  for (let distance = 1; distance <= contextLines && same(old.last + distance, next.last + distance); distance++)
    score++;
  return score;
}

/** Lines as people count them: a final newline begins no line. */
export function linesOf(content: Buffer): string[] {
  const lines = content.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** Changes between two blobs. */
export async function readHunks(from: string, to: string, read: ReadOptions): Promise<Hunk[]> {
  const options = ["--unified=0", "--no-ext-diff", "--no-textconv", "--no-color", "--text"];
  return parseHunks(await gitText(["diff", ...options, from, to], read));
}

/** Files that were renamed between two commits: new path by old path. */
export async function readRenames(from: string, to: string, read: ReadOptions): Promise<Map<string, string>> {
  const options = ["-r", "-z", "--name-status", "--find-renames=50%", "-l1000", "--diff-filter=R"];
  const fields = (await gitText(["diff-tree", ...options, from, to, "--"], read)).split("\0");
  const renames = new Map<string, string>();
  for (let at = 0; at + 2 < fields.length; at += 3) renames.set(fields[at + 1] as string, fields[at + 2] as string);
  return renames;
}
