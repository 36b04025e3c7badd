import { Worker } from "node:worker_threads";
import type { IndexLimits } from "../embedded/index-repository.ts";
import type { BranchTip, IndexReport } from "../engine/code-search.ts";
import { type JobOptions, ThreadPool } from "../engine/thread-pool.ts";
import type { FetchOptions } from "../mirror/mirror.ts";

export type BackgroundJob =
  | { kind: "fetch"; options: FetchOptions }
  | { kind: "index"; file: string; options: { gitDir: string; branches: readonly BranchTip[]; limits: IndexLimits } }
  | { kind: "branches"; file: string }
  | { kind: "run"; command: string; args: string[]; timeoutMs: number };

/** A repository may take long, and a large one must not stop the others. */
const threads = 2;
const idleMs = 20_000;
const killedWithinMs = 5_000;
const heap = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 };

export class Background {
  readonly #pool = new ThreadPool({
    size: threads,
    maxWaiting: 64,
    idleMs,
    start: () =>
      new Worker(new URL("./background.worker.ts", import.meta.url), {
        env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR },
        execArgv: ["--conditions=development", "--disable-warning=ExperimentalWarning"],
        resourceLimits: heap,
      }),
  });

  /** Brings the wanted branches here; answers those that exist. */
  fetch(options: FetchOptions, job: JobOptions): Promise<BranchTip[]> {
    return this.#pool.run({ kind: "fetch", options } satisfies BackgroundJob, job) as Promise<BranchTip[]>;
  }

  index(job: Omit<Extract<BackgroundJob, { kind: "index" }>, "kind">, options: JobOptions): Promise<IndexReport> {
    return this.#pool.run({ kind: "index", ...job } satisfies BackgroundJob, options) as Promise<IndexReport>;
  }

  /** Undefined: the file is damaged. */
  branches(file: string, options: JobOptions): Promise<BranchTip[] | undefined> {
    return this.#pool.run({ kind: "branches", file } satisfies BackgroundJob, options) as Promise<
      BranchTip[] | undefined
    >;
  }

  /** Runs a program to its end. @throws with what it said when it failed */
  async run(command: string, args: string[], options: JobOptions): Promise<void> {
    const { timeoutMs } = options;
    await this.#pool.run({ kind: "run", command, args, timeoutMs } satisfies BackgroundJob, {
      ...options,
      timeoutMs: timeoutMs + killedWithinMs,
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
