/** What is told about one patch set: its kind, its commits, and what became of each since the one before. */
import {
  countCommits,
  GitError,
  isAncestor,
  mergeBase,
  type RangeDiffEntry,
  RangeTooLongError,
  type ReadOptions,
  rangeDiff,
  runGit,
} from "@krate/git";
import type { ObjectOf, PatchSet } from "@krate/kinds";

export type PatchSetSpec = ObjectOf<typeof PatchSet>["spec"];
export type PatchSetKind = PatchSetSpec["kind"];

export interface SeriesOfPatchSet {
  headSha: string;
  mergeBaseSha?: string | undefined;
}

const maxCounted = 100_000;
const maxLines = 100;
const maxLineLength = 512;
/** A change above this is not looked at to tell a rebase from an amendment. */
const maxPatchBytes = 16 * 1024 * 1024;

export async function describePatchSet(
  { headSha, baseSha, previous }: { headSha: string; baseSha: string; previous?: SeriesOfPatchSet },
  read: ReadOptions,
): Promise<Pick<PatchSetSpec, "kind" | "mergeBaseSha" | "commits" | "rangeDiff">> {
  const mergeBaseSha = await mergeBase(headSha, baseSha, read);
  const exclude = mergeBaseSha ? [mergeBaseSha] : [];
  const commits = await countCommits({ include: [headSha], exclude, limit: maxCounted }, read);
  const now = { headSha, mergeBaseSha };
  const kind = await kindOf(now, previous, read);
  const compared = kind === "Opened" || kind === "NewCommits" ? undefined : await compare(now, previous, read);
  return { kind, commits, ...(mergeBaseSha && { mergeBaseSha }), ...(compared && { rangeDiff: compared }) };
}

async function kindOf(
  now: SeriesOfPatchSet,
  previous: SeriesOfPatchSet | undefined,
  read: ReadOptions,
): Promise<PatchSetKind> {
  if (!previous) return "Opened";
  if (await isAncestor(previous.headSha, now.headSha, read)) return "NewCommits";
  if (!now.mergeBaseSha || !previous.mergeBaseSha || now.mergeBaseSha === previous.mergeBaseSha) return "Amend";
  const [patch, before] = [await patchIdOf(now, read), await patchIdOf(previous, read)];
  return patch !== undefined && patch === before ? "Rebase" : "Amend";
}

/** Identity of the whole change, wherever it begins (git-patch-id(1)); undefined for one too large to look at. */
async function patchIdOf({ headSha, mergeBaseSha }: SeriesOfPatchSet, read: ReadOptions): Promise<string | undefined> {
  const options = ["-r", "-p", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--full-index"];
  try {
    const { stdout } = await runGit(["diff-tree", ...options, mergeBaseSha ?? headSha, headSha, "--"], {
      ...read,
      maxOutputBytes: maxPatchBytes,
    });
    const answer = await runGit(["patch-id", "--stable"], { ...read, stdin: stdout });
    return answer.stdout.toString("latin1").split(" ")[0] ?? "";
  } catch (error) {
    if (error instanceof GitError && (error.failure === "output-limit" || error.failure === "timeout"))
      return undefined;
    throw error;
  }
}

async function compare(
  now: SeriesOfPatchSet,
  previous: SeriesOfPatchSet | undefined,
  read: ReadOptions,
): Promise<string[] | undefined> {
  if (!previous?.mergeBaseSha || !now.mergeBaseSha) return undefined;
  const range = ({ headSha, mergeBaseSha = headSha }: SeriesOfPatchSet) => ({ base: mergeBaseSha, head: headSha });
  try {
    return (await rangeDiff(range(previous), range(now), {}, read)).slice(0, maxLines).map(lineOf);
  } catch (error) {
    const isTooLarge =
      error instanceof RangeTooLongError ||
      (error instanceof GitError && (error.failure === "output-limit" || error.failure === "timeout"));
    if (isTooLarge) return undefined;
    throw error;
  }
}

const signs = { same: "=", changed: "!", removed: "<", added: ">" } as const;

/** `1: 0f3c2a115d2c ! 2: 5d2cba5d3b3f Say hello` */
export function lineOf({ state, old, new: next, subject }: RangeDiffEntry): string {
  const side = (commit: { index: number; id: string } | undefined) =>
    commit ? `${commit.index}: ${commit.id.slice(0, 12)}` : "-";
  return `${side(old)} ${signs[state]} ${side(next)} ${subject}`.slice(0, maxLineLength);
}
