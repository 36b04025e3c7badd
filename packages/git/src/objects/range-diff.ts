/** What became of each commit between two versions of a series (git-range-diff(1)). */
import { runGit } from "../process/git-process.ts";
import { countCommits, type ReadOptions } from "./revision.ts";

/** The commits of `head` that `base` lacks. */
export interface CommitRange {
  base: string;
  head: string;
}

export type RangeDiffState = "same" | "changed" | "removed" | "added";

export interface RangeDiffEntry {
  state: RangeDiffState;
  /** Place in the old series, from 1, and id; absent for an added commit. */
  old?: { index: number; id: string };
  /** The same in the new series; absent for a removed commit. */
  new?: { index: number; id: string };
  subject: string;
  /** The difference of the two patches, as git prints it without its indentation; only for changed ones and when asked for. */
  diff?: string;
}

export interface RangeDiffOptions {
  /** With the differences of patches. @defaultValue false */
  patches?: boolean;
  /** Most commits on either side: pairing them costs their product. @defaultValue 250 */
  maxCommits?: number;
  /** Most bytes git may print. @defaultValue 8 MiB */
  maxOutputBytes?: number;
}

/** A series is longer than is compared. The text is safe to show. */
export class RangeTooLongError extends Error {
  override readonly name = "RangeTooLongError";
}

const defaultMaxCommits = 250;
const defaultMaxOutputBytes = 8 * 1024 * 1024;
const timeoutMs = 20_000;

/**
 * Pairs the commits of two versions of a series and compares the patches of each pair.
 * @throws {RangeTooLongError} above `maxCommits`. @throws {GitError} above the limits of time and output.
 */
export async function rangeDiff(
  old: CommitRange,
  next: CommitRange,
  options: RangeDiffOptions,
  read: ReadOptions,
): Promise<RangeDiffEntry[]> {
  const { patches = false, maxCommits = defaultMaxCommits, maxOutputBytes = defaultMaxOutputBytes } = options;
  for (const { base, head } of [old, next]) {
    const count = await countCommits({ include: [head], exclude: [base], limit: maxCommits + 1 }, read);
    if (count > maxCommits)
      throw new RangeTooLongError(`${base}..${head} has more than ${maxCommits} commits, the most that are compared`);
  }
  const range = ({ base, head }: CommitRange) => `${base}..${head}`;
  const args = ["range-diff", "--no-color", "--no-ext-diff", "--no-textconv", ...(patches ? [] : ["--no-patch"])];
  const { stdout } = await runGit([...args, range(old), range(next)], {
    ...read,
    timeoutMs,
    maxOutputBytes,
    config: { ...read.config, "core.abbrev": "40", "notes.displayRef": "" },
  });
  return parseRangeDiff(stdout.toString("utf8"));
}

const pair = /^ *(\d+|-+): +([0-9a-f]{40}|-+) ([=!<>]) +(\d+|-+): +([0-9a-f]{40}|-+)(?: (.*))?$/;
const states: Record<string, RangeDiffState> = { "=": "same", "!": "changed", "<": "removed", ">": "added" };

/**
 * Reads the output of range-diff:
 *
 *   output = *( pair LF *( 4SP patch-line LF ) )
 *   pair   = side SP ( "=" / "!" / "<" / ">" ) SP side SP subject     ; side = index ":" SP id, of dashes where there is none
 */
export function parseRangeDiff(output: string): RangeDiffEntry[] {
  const entries: RangeDiffEntry[] = [];
  for (const line of output.split("\n")) {
    const found = line.startsWith("    ") ? undefined : pair.exec(line);
    if (found) {
      const [, oldIndex = "", oldId = "", state = "", newIndex = "", newId = "", subject = ""] = found;
      entries.push({
        state: states[state] as RangeDiffState,
        ...(oldId.startsWith("-") ? {} : { old: { index: Number(oldIndex), id: oldId } }),
        ...(newId.startsWith("-") ? {} : { new: { index: Number(newIndex), id: newId } }),
        subject,
      });
      continue;
    }
    const last = entries.at(-1);
    if (last && line.startsWith("    ")) last.diff = `${last.diff ?? ""}${line.slice(4)}\n`;
  }
  return entries;
}
