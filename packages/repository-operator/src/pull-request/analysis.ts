/** What git says about a head and a base: everything the status shows, from two commit ids alone. */
import { changedFiles, mergeBase, mergeTree, type ReadOptions, runGit } from "@krate/git";
import { scratchRepository } from "../git/scratch.ts";
import { Memo } from "../memo.ts";
import { type BaseStep, type ChangedPath, type HeadChange, mergesAsBefore, PathIndex } from "./carry-over.ts";

export interface Changes {
  /** What the head changed since the merge base, path order. */
  files: ChangedPath[];
  additions: number;
  deletions: number;
}

export interface Analysis extends Changes {
  headSha: string;
  /** The base this was found out with. A base that is further may have the same answer: see `Analyses.of`. */
  baseSha: string;
  /** Absent when the two share no history. */
  mergeBaseSha?: string;
  merge: { kind: "clean" } | { kind: "nothing" } | { kind: "conflicting"; paths: string[] };
}

interface Commits {
  headSha: string;
  baseSha: string;
  /** Where the base is: pull requests with one head may have several. */
  baseRef?: string;
}

interface Known {
  /** Base the analysis holds for. */
  baseSha: string;
  analysis: Promise<Analysis>;
  change?: HeadChange;
}

/** Above these numbers a change is not carried over: the merge is tried anew. */
const maxFiles = 5_000;
const maxCommits = 1_000;
const maxBasePaths = 50_000;
const maxSteps = 200;

/**
 * Reviews and checks change far more often than commits, and bases more often than heads: the newest analysis of each head is kept, and
 * carried over to a base that moved on where that can be proven without git (carry-over.ts). What a push to the base costs is one look
 * at the push, and one merge for each change it touches.
 */
export class Analyses {
  readonly #known = new Map<string, Known>();
  readonly #max: number;
  /** By merge base and head: a base that moves on changes nothing about them. Lists are those of the analyses. */
  readonly #changes: Memo<Changes & { commits: ReadonlySet<string> | undefined }>;
  readonly #steps = new Memo<BaseStep>(100);
  readonly #deleted = new Memo<PathIndex | undefined>(500);

  /** @param max heads whose analyses are kept, some hundred kilobytes each at most. @defaultValue 5000 */
  constructor(max = 5000) {
    this.#max = max;
    this.#changes = new Memo(max);
  }

  /**
   * `gitDirs`: of the repository, and of the fork when the head is there. The answer is that of `baseSha`, or an earlier one that holds
   * for it as well.
   */
  async of(gitDirs: readonly string[], commits: Commits, signal?: AbortSignal): Promise<Analysis> {
    const key = [...gitDirs, commits.headSha, commits.baseRef ?? ""].join("\0");
    const known = this.#known.get(key);
    if (known?.baseSha === commits.baseSha) return known.analysis;
    const carried = known && (await this.#carryOver(known, gitDirs, commits, signal));
    const next = carried ?? this.#start(gitDirs, commits, signal);
    this.#keep(key, next);
    try {
      return await next.analysis;
    } catch (error) {
      // A failure, or the end of the reconcile that asked, must not be what the next one gets.
      if (this.#known.get(key) === next) this.#known.delete(key);
      throw error;
    }
  }

  #keep(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size > this.#max) this.#known.delete(this.#known.keys().next().value as string);
  }

  async #carryOver(
    { analysis, change, baseSha: from }: Known,
    gitDirs: readonly string[],
    { baseSha: to }: Commits,
    signal: AbortSignal | undefined,
  ): Promise<Known | undefined> {
    const before = await analysis.catch(() => undefined);
    if (!before || !change || change.baseDeleted.length > maxSteps) return undefined;
    const gitDir = gitDirs[0] as string;
    const read = { gitDir, ...(signal && { signal }) };
    const step = await this.#steps.get([gitDir, from, to].join("\0"), () => readStep(from, to, read));
    const isMerged = before.merge.kind === "nothing";
    if (isMerged ? !step.commits : !mergesAsBefore(change, step)) return undefined;
    const baseDeleted = step.deleted.size > 0 ? [...change.baseDeleted, step.deleted] : change.baseDeleted;
    return { baseSha: to, analysis: Promise.resolve(before), change: { ...change, baseDeleted } };
  }

  #start(gitDirs: readonly string[], commits: Commits, signal: AbortSignal | undefined): Known {
    const known: Known = {
      baseSha: commits.baseSha,
      analysis: this.#analyze(gitDirs, commits, signal).then(({ analysis, change }) => {
        if (change) known.change = change;
        return analysis;
      }),
    };
    return known;
  }

  async #analyze(
    gitDirs: readonly string[],
    { headSha, baseSha }: Commits,
    signal?: AbortSignal,
  ): Promise<{ analysis: Analysis; change: HeadChange | undefined }> {
    await using scratch = await scratchRepository(gitDirs, { ...(signal && { signal }) });
    const { read } = scratch;
    const mergeBaseSha = await mergeBase(headSha, baseSha, read);
    const from = mergeBaseSha ?? baseSha;
    const key = [...gitDirs, from, headSha].join("\0");
    const { commits, ...changes } = await this.#changes.get(key, () => readChanges(from, headSha, read));
    const merge =
      mergeBaseSha === headSha ? ({ kind: "nothing" } as const) : await tryMerge({ headSha, baseSha }, read);
    const analysis = { headSha, baseSha, ...(mergeBaseSha && { mergeBaseSha }), merge, ...changes };
    if (!mergeBaseSha || !commits || changes.files.length > maxFiles) return { analysis, change: undefined };
    const deletedKey = [gitDirs[0], mergeBaseSha, baseSha].join("\0");
    const deleted = await this.#deleted.get(deletedKey, () => readDeleted(mergeBaseSha, baseSha, read));
    return { analysis, change: deleted && { files: changes.files, commits, baseDeleted: [deleted] } };
  }
}

async function tryMerge({ headSha, baseSha }: Commits, read: ReadOptions): Promise<Analysis["merge"]> {
  const merged = await mergeTree(baseSha, headSha, read);
  return merged.clean ? { kind: "clean" } : { kind: "conflicting", paths: merged.conflicts.sort() };
}

async function readChanges(
  from: string,
  to: string,
  read: ReadOptions,
): Promise<Changes & { commits: ReadonlySet<string> | undefined }> {
  const files = await changedFiles(from, to, read);
  const sum = (field: "additions" | "deletions") => files.reduce((total, file) => total + (file[field] ?? 0), 0);
  const { stdout } = await runGit(["rev-list", `--max-count=${maxCommits + 1}`, to, `^${from}`, "--"], read);
  const commits = new Set(stdout.toString("latin1").split("\n").filter(Boolean));
  return {
    files: files
      .map(({ path, previousPath, kind }) => ({ path, ...(previousPath && { previousPath }), kind }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    additions: sum("additions"),
    deletions: sum("deletions"),
    commits: commits.size > maxCommits ? undefined : commits,
  };
}

/** Two processes, whatever the number of pull requests. */
async function readStep(from: string, to: string, read: ReadOptions): Promise<BaseStep> {
  const limit = `--max-count=${maxCommits * 10}`;
  const [{ stdout }, paths] = await Promise.all([
    runGit(["rev-list", "--left-right", limit, `${from}...${to}`, "--"], { ...read, okExitCodes: [0, 128] }),
    readPaths(from, to, read),
  ]);
  const lines = stdout.toString("latin1").split("\n").filter(Boolean);
  const isForward = lines.length > 0 && lines.length < maxCommits * 10 && lines.every((line) => line.startsWith(">"));
  const commits = isForward && paths ? new Set(lines.map((line) => line.slice(1))) : undefined;
  const { touched = [], added = [], deleted = [] } = paths ?? {};
  return {
    ...(commits && { commits }),
    touched: new PathIndex(touched),
    added: new PathIndex(added),
    deleted: new PathIndex(deleted),
  };
}

/** Undefined for too many. */
async function readDeleted(from: string, to: string, read: ReadOptions): Promise<PathIndex | undefined> {
  const paths = from === to ? { deleted: [] } : await readPaths(from, to, read);
  return paths && new PathIndex(paths.deleted);
}

/** Paths that differ, without renames being looked for; a changed type is both gone and new. Undefined for too many. */
async function readPaths(
  from: string,
  to: string,
  read: ReadOptions,
): Promise<{ touched: string[]; added: string[]; deleted: string[] } | undefined> {
  const { stdout } = await runGit(["diff-tree", "-r", "-z", "--name-status", "--no-renames", from, to, "--"], read);
  const fields = stdout.toString("utf8").split("\0");
  if (fields.length > maxBasePaths * 2) return undefined;
  const found = { touched: [] as string[], added: [] as string[], deleted: [] as string[] };
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [status, path = ""] = fields.slice(at, at + 2);
    found.touched.push(path);
    if (status === "A" || status === "T") found.added.push(path);
    if (status === "D" || status === "T") found.deleted.push(path);
  }
  return found;
}
