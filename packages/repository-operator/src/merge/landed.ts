/** Finds a merge that landed before a crash: git itself is the record. */
import { gitText, isAncestor, mergeBase, mergeTree, type ReadOptions, readCommit } from "@krate/git";
import { type MergedPullRequest, trailerOf } from "./message.ts";

export interface LandedMerge {
  commitId: string;
  /** Committer date: when it was merged. */
  at: string;
}

const maxCandidates = 20;
/** As many commits as a rebase may make. */
const maxRebasedCommits = 250;

/**
 * The commit on the base that carries this pull request's trailer. Anybody can write a trailer, so the commit must also hold what merging
 * `headSha` into one of its first-parent ancestors gives.
 */
export async function findLanded(
  { pullRequest, headSha, baseSha }: { pullRequest: MergedPullRequest; headSha: string; baseSha: string },
  read: ReadOptions,
): Promise<LandedMerge | undefined> {
  const trailer = trailerOf(pullRequest);
  const fork = await mergeBase(headSha, baseSha, read);
  const found = await gitText(
    [
      "rev-list",
      "--first-parent",
      "--fixed-strings",
      `--grep=${trailer}`,
      `--max-count=${maxCandidates}`,
      baseSha,
      ...(fork === undefined ? [] : [`^${fork}`]),
      "--",
    ],
    read,
  );
  for (const commitId of found.split("\n").filter(Boolean)) {
    const commit = await readCommit(commitId, read);
    const carriesTrailer = commit.message.trimEnd().split("\n").includes(trailer);
    if (carriesTrailer && (await holdsMerge(commitId, headSha, read)))
      return { commitId, at: secondsOf(commit.committer.at) };
  }
  return undefined;
}

async function holdsMerge(commitId: string, headSha: string, read: ReadOptions): Promise<boolean> {
  const { treeId } = await readCommit(commitId, read);
  const line = await gitText(
    ["rev-list", "--first-parent", `--max-count=${maxRebasedCommits + 1}`, commitId, "--"],
    read,
  );
  for (const before of line.split("\n").slice(1)) {
    if (await isAncestor(headSha, before, read)) return false;
    const merged = await mergeTree(before, headSha, read);
    if (merged.clean && merged.treeId === treeId) return true;
  }
  return false;
}

/** As the API server writes times. */
export function secondsOf(time: string | Date): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
