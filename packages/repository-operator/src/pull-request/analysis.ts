/** What git says about a head and a base: everything the status shows, from two commit ids alone. */
import { changedFiles, isAncestor, mergeBase, mergeTree } from "@krate/git";
import { scratchRepository } from "../git/scratch.ts";

export interface Analysis {
  headSha: string;
  baseSha: string;
  /** Absent when the two share no history. */
  mergeBaseSha?: string;
  merge: { kind: "clean"; treeId: string } | { kind: "nothing" } | { kind: "conflicting"; paths: string[] };
  /** What the head changed since the merge base, path order. */
  files: { path: string; previousPath?: string }[];
  additions: number;
  deletions: number;
}

/** `gitDirs`: of the repository, and of the fork when the head is there. */
export async function analyze(
  gitDirs: readonly string[],
  { headSha, baseSha }: { headSha: string; baseSha: string },
  signal?: AbortSignal,
): Promise<Analysis> {
  await using scratch = await scratchRepository(gitDirs, { ...(signal && { signal }) });
  const { read } = scratch;
  const mergeBaseSha = await mergeBase(headSha, baseSha, read);
  const files = await changedFiles(mergeBaseSha ?? baseSha, headSha, read);
  const sum = (field: "additions" | "deletions") => files.reduce((total, file) => total + (file[field] ?? 0), 0);
  return {
    headSha,
    baseSha,
    ...(mergeBaseSha && { mergeBaseSha }),
    merge: await (async (): Promise<Analysis["merge"]> => {
      if (await isAncestor(headSha, baseSha, read)) return { kind: "nothing" };
      const merged = await mergeTree(baseSha, headSha, read);
      return merged.clean
        ? { kind: "clean", treeId: merged.treeId }
        : { kind: "conflicting", paths: merged.conflicts.sort() };
    })(),
    files: files
      .map(({ path, previousPath }) => ({ path, ...(previousPath && { previousPath }) }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    additions: sum("additions"),
    deletions: sum("deletions"),
  };
}

/** Reviews and checks change far more often than commits: the newest analyses are kept. */
export class AnalysisCache {
  readonly #analyses = new Map<string, Promise<Analysis>>();
  readonly #max: number;

  /** `max` analyses, a few hundred kilobytes each at most. @defaultValue 500 */
  constructor(max = 500) {
    this.#max = max;
  }

  get(
    gitDirs: readonly string[],
    commits: { headSha: string; baseSha: string },
    signal?: AbortSignal,
  ): Promise<Analysis> {
    const key = [...gitDirs, commits.headSha, commits.baseSha].join("\0");
    const known = this.#analyses.get(key);
    const analysis = known ?? analyze(gitDirs, commits, signal);
    this.#analyses.delete(key);
    this.#analyses.set(key, analysis);
    // A failure, or the end of the reconcile that asked, must not be what the next one gets.
    if (!known) analysis.catch(() => this.#analyses.delete(key));
    if (this.#analyses.size > this.#max) this.#analyses.delete(this.#analyses.keys().next().value as string);
    return analysis;
  }
}
