/**
 * The commits of a batch: each pull request merged onto the one before, in a scratch repository. The same members at the same time of the
 * same base give the same commits, so that what a killed process had built is built again.
 */
import { isAncestor, type ReadOptions } from "@krate/git";
import { scratchRepository } from "../git/scratch.ts";
import { buildMerge, type MergeMethod } from "../merge/build.ts";
import { findLanded } from "../merge/landed.ts";
import type { MergedPullRequest, Person } from "../merge/message.ts";
import type { BuiltEntry } from "./state.ts";

export interface ChainLink {
  uid: string;
  headSha: string;
  /** Folder of the repository the head is in. */
  gitDir: string;
  pullRequest: MergedPullRequest;
  method: MergeMethod;
  author: Person;
}

export interface ChainInput {
  gitDir: string;
  baseSha: string;
  /** ISO 8601: time of the commits. */
  at: string;
  links: readonly ChainLink[];
  committer: Person;
  signal?: AbortSignal;
}

/** `use` gets what was built, while the commits are there. */
export async function withChain<Result>(
  input: ChainInput,
  use: (built: BuiltEntry[], read: ReadOptions) => Promise<Result>,
): Promise<Result> {
  const { gitDir, links, signal } = input;
  const gitDirs = [...new Set([gitDir, ...links.map((link) => link.gitDir)])];
  await using scratch = await scratchRepository(gitDirs, { ...(signal && { signal }) });
  // Awaited here: the scratch repository is gone when this returns.
  return await use(await buildChain(input, scratch.read), scratch.read);
}

async function buildChain(input: ChainInput, read: ReadOptions): Promise<BuiltEntry[]> {
  const { baseSha, at, links, committer } = input;
  const built: BuiltEntry[] = [];
  let tip = baseSha;
  for (const { uid, headSha, pullRequest, method, author } of links) {
    const landed = await findLanded({ pullRequest, headSha, baseSha }, read);
    if (landed) {
      built.push({ uid, result: "landed", commit: landed.commitId, at: landed.at });
      continue;
    }
    const merged = await buildMerge({ pullRequest, method, headSha, baseSha: tip, author, committer, at }, read);
    if (merged.ok) {
      tip = merged.commitId;
      built.push({ uid, result: "built", commit: merged.commitId, treeId: merged.treeId });
    } else built.push(await failedEntry(uid, merged.message, { headSha, tip }, read));
  }
  return built;
}

async function failedEntry(
  uid: string,
  why: string,
  { headSha, tip }: { headSha: string; tip: string },
  read: ReadOptions,
): Promise<BuiltEntry> {
  if (await isAncestor(headSha, tip, read)) return { uid, result: "failed", reason: "NothingToMerge", message: why };
  const message = `${why}: merge or rebase the base into the head branch, then set queued to true again`;
  return { uid, result: "failed", reason: "Conflicts", message };
}
