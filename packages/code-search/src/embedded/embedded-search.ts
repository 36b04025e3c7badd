/** Code search on one machine: one SQLite file per repository, indexed by a background thread, searched by others. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { Background } from "../background/jobs.ts";
import {
  type BranchTip,
  type CodeSearch,
  type IndexedRepository,
  type IndexReport,
  type IndexRequest,
  type SearchAnswer,
  type SearchRequest,
  searchLimits,
} from "../engine/code-search.ts";
import { JobError, ThreadPool } from "../engine/thread-pool.ts";
import type { QueryJob } from "./query.worker.ts";
import type { RepositoriesAnswer } from "./search-repositories.ts";

export interface EmbeddedSearchOptions {
  /** Folder of the index files; nobody else writes there. */
  folder: string;
  background: Background;
  /** @defaultValue `searchLimits` */
  limits?: Partial<{ seconds: number; fileBytes: number; documents: number }>;
  /** An index was found damaged and is forgotten: the repository is to be indexed again. */
  onDamaged?: (uid: string) => void;
}

const queryThreads = 2;
const maxWaiting = 32;
const idleMs = 60_000;
/** Beyond the time a search is given; then it is stuck in one file, and the thread is ended. */
const graceMs = 2_000;
const indexTimeoutMs = 30 * 60_000;
const heap = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 };

export class EmbeddedSearch implements CodeSearch {
  readonly #options: EmbeddedSearchOptions;
  /** Index file by uid. The name has a part that never comes again, so that an old handle never serves a new index. */
  readonly #files = new Map<string, string>();
  readonly #queries: ThreadPool;

  constructor(options: EmbeddedSearchOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(options.folder)) {
      const [, uid] = /^([\w-]+)\.[0-9a-f]{12}\.sqlite$/.exec(name) ?? [];
      if (!uid) continue;
      if (this.#files.has(uid)) removeFile(join(options.folder, name));
      else this.#files.set(uid, join(options.folder, name));
    }
    this.#queries = new ThreadPool({
      size: queryThreads,
      maxWaiting,
      idleMs,
      start: () =>
        new Worker(new URL("./query.worker.ts", import.meta.url), {
          env: {},
          execArgv: ["--conditions=development", "--disable-warning=ExperimentalWarning"],
          resourceLimits: heap,
        }),
    });
  }

  async index({ repository: { uid }, branches, gitDir, signal }: IndexRequest): Promise<IndexReport> {
    if (branches.length === 0) {
      await this.remove(uid);
      return { documents: 0, added: 0, skipped: 0 };
    }
    const known = this.#files.get(uid);
    const file = known ?? this.#newFile(uid);
    const { fileBytes, documents } = { ...searchLimits, ...this.#options.limits };
    try {
      const job = { file, options: { gitDir, branches, limits: { fileBytes, documents } } };
      const report = await this.#options.background.index(job, { timeoutMs: indexTimeoutMs, signal });
      this.#files.set(uid, file);
      return report;
    } catch (error) {
      if (!known) removeFile(file);
      else if (error instanceof JobError && error.kind === "DamagedIndexError") await this.remove(uid);
      throw error;
    }
  }

  async indexed({ uid }: IndexedRepository): Promise<BranchTip[] | undefined> {
    const file = this.#files.get(uid);
    if (!file) return undefined;
    const branches = await this.#options.background.branches(file, { timeoutMs: 60_000 });
    if (!branches) await this.remove(uid);
    return branches;
  }

  async remove(uid: string): Promise<void> {
    const file = this.#files.get(uid);
    this.#files.delete(uid);
    if (file) removeFile(file);
  }

  async known(): Promise<string[]> {
    return [...this.#files.keys()];
  }

  async search({ query, repositories, limit, after, signal }: SearchRequest): Promise<SearchAnswer> {
    const seconds = this.#options.limits?.seconds ?? searchLimits.seconds;
    const files = repositories.flatMap((repository) => {
      const file = this.#files.get(repository.uid);
      return file ? [{ repository, file }] : [];
    });
    const request = { query, files, limit: Math.min(limit, searchLimits.files), after, seconds };
    const answer = await this.#queries.run({ kind: "search", request } satisfies QueryJob, {
      timeoutMs: seconds * 1000 + graceMs,
      signal,
    });
    const { damaged, ...found } = answer as RepositoriesAnswer;
    for (const uid of damaged) {
      await this.remove(uid);
      this.#options.onDamaged?.(uid);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#queries.close();
  }

  #newFile(uid: string): string {
    if (!/^[\w-]{1,100}$/.test(uid)) throw new Error(`"${uid}" is no uid of a repository`);
    return join(this.#options.folder, `${uid}.${randomBytes(6).toString("hex")}.sqlite`);
  }
}

function removeFile(file: string): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(`${file}${suffix}`, { force: true });
}
