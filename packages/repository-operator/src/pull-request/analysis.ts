/** What git says about a head and a base: everything the status shows, from two commit ids alone. */
import { changedFiles, mergeBase, mergeTree, type ReadOptions } from "@krate/git";
import { scratchRepository } from "../git/scratch.ts";
import { Memo } from "../memo.ts";

export interface Changes {
  /** What the head changed since the merge base, path order. */
  files: { path: string; previousPath?: string }[];
  additions: number;
  deletions: number;
}

export interface Analysis extends Changes {
  headSha: string;
  baseSha: string;
  /** Absent when the two share no history. */
  mergeBaseSha?: string;
  merge: { kind: "clean"; treeId: string } | { kind: "nothing" } | { kind: "conflicting"; paths: string[] };
}

interface Commits {
  headSha: string;
  baseSha: string;
}

/** Reviews and checks change far more often than commits, and bases more often than heads: the newest analyses are kept. */
export class Analyses {
  readonly #analyses: Memo<Analysis>;
  /** By merge base and head: a base that moves on changes nothing about them. */
  readonly #changes: Memo<Changes>;

  /** @param max analyses kept, a few hundred kilobytes each at most. @defaultValue 500 */
  constructor(max = 500) {
    this.#analyses = new Memo(max);
    this.#changes = new Memo(max);
  }

  /** `gitDirs`: of the repository, and of the fork when the head is there. */
  of(gitDirs: readonly string[], commits: Commits, signal?: AbortSignal): Promise<Analysis> {
    const key = [...gitDirs, commits.headSha, commits.baseSha].join("\0");
    return this.#analyses.get(key, () => this.#analyze(gitDirs, commits, signal));
  }

  async #analyze(gitDirs: readonly string[], { headSha, baseSha }: Commits, signal?: AbortSignal): Promise<Analysis> {
    await using scratch = await scratchRepository(gitDirs, { ...(signal && { signal }) });
    const { read } = scratch;
    const mergeBaseSha = await mergeBase(headSha, baseSha, read);
    const from = mergeBaseSha ?? baseSha;
    const key = [...gitDirs, from, headSha].join("\0");
    const changes = await this.#changes.get(key, () => readChanges(from, headSha, read));
    const merge =
      mergeBaseSha === headSha ? ({ kind: "nothing" } as const) : await tryMerge({ headSha, baseSha }, read);
    return { headSha, baseSha, ...(mergeBaseSha && { mergeBaseSha }), merge, ...changes };
  }
}

async function tryMerge({ headSha, baseSha }: Commits, read: ReadOptions): Promise<Analysis["merge"]> {
  const merged = await mergeTree(baseSha, headSha, read);
  if (merged.clean) return { kind: "clean", treeId: merged.treeId };
  return { kind: "conflicting", paths: merged.conflicts.sort() };
}

async function readChanges(from: string, to: string, read: ReadOptions): Promise<Changes> {
  const files = await changedFiles(from, to, read);
  const sum = (field: "additions" | "deletions") => files.reduce((total, file) => total + (file[field] ?? 0), 0);
  return {
    files: files
      .map(({ path, previousPath }) => ({ path, ...(previousPath && { previousPath }) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    additions: sum("additions"),
    deletions: sum("deletions"),
  };
}
