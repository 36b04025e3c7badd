import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { FromWorker, HookAnswer, HookQuestion, HookReply, ToWorker, WorkerSetup } from "./hook-protocol.ts";

/** A hook could not be run to its end. `kind` is for metrics, the text for people. */
export class HookFailure extends Error {
  override readonly name = "HookFailure";
  readonly kind: "timeout" | "trap" | "memory" | "busy" | "module";
  constructor(kind: HookFailure["kind"], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
  }
}

export interface HookRun {
  module: WebAssembly.Module;
  input: Uint8Array;
  /** Longest the hook itself may run; what the gateway needs for its answers does not count. */
  timeoutMs: number;
  /** Answers what the hook asks; a rejection ends the run. */
  answer(question: HookQuestion): Promise<HookReply>;
}

export interface HookResult {
  result: number;
  refusals: string[];
  notes: string[];
  /** Time the hook itself ran, milliseconds. */
  ranMs: number;
}

export interface HookPoolOptions {
  /** Threads at most. @defaultValue the number of processors, at most 4 */
  size?: number;
  /** Runs that may wait for a thread. @defaultValue 256 */
  maxWaiting?: number;
}

/** Longest a module may take to compile, milliseconds. */
const compileTimeoutMs = 10_000;

/** Heap of a thread. A hook's linear memory is not part of it: that is bounded by the maximum its module declares. */
const resourceLimits = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 };

interface Job {
  message: ToWorker;
  timeoutMs: number;
  answer(question: HookQuestion): Promise<HookReply>;
  resolve(outcome: { message: FromWorker; ranMs: number }): void;
  reject(error: unknown): void;
}

/**
 * Threads that compile and run hooks. Each is started when there is work for it and stays; one that overruns its time or its
 * heap is ended, with whatever it was doing, and replaced.
 */
export class HookPool {
  readonly #size: number;
  readonly #maxWaiting: number;
  readonly #threads = new Set<HookThread>();
  readonly #waiting: Job[] = [];
  #closed = false;

  constructor(options: HookPoolOptions = {}) {
    this.#size = options.size ?? Math.min(4, availableParallelism());
    this.#maxWaiting = options.maxWaiting ?? 256;
  }

  /** @throws {HookFailure} */
  async compile(bytes: Uint8Array): Promise<WebAssembly.Module> {
    const { message } = await this.#submit({ kind: "compile", bytes }, compileTimeoutMs, async () => ({
      bytes: undefined,
    }));
    if (message.kind === "compiled") return message.module;
    throw new HookFailure("module", message.kind === "failed" ? message.message : "the module could not be compiled");
  }

  /** @throws {HookFailure}, and what `answer` throws */
  async run({ module, input, timeoutMs, answer }: HookRun): Promise<HookResult> {
    const { message, ranMs } = await this.#submit({ kind: "run", module, input }, timeoutMs, answer);
    if (message.kind === "ended") return { ...message, ranMs };
    throw new HookFailure("trap", message.kind === "failed" ? message.message : "the hook ended without a result");
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.reject(new HookFailure("busy", "the gateway is stopping"));
    await Promise.all(
      [...this.#threads].map((thread) => thread.end(new HookFailure("busy", "the gateway is stopping"))),
    );
  }

  #submit(
    message: ToWorker,
    timeoutMs: number,
    answer: Job["answer"],
  ): Promise<{ message: FromWorker; ranMs: number }> {
    if (this.#closed) return Promise.reject(new HookFailure("busy", "the gateway is stopping"));
    if (this.#waiting.length >= this.#maxWaiting)
      return Promise.reject(new HookFailure("busy", "too many hooks are waiting to run; push again in a moment"));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, timeoutMs, answer, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && !this.#closed) {
      const idle = [...this.#threads].find((thread) => thread.idle) ?? this.#start();
      if (!idle) return;
      idle.take(this.#waiting.shift() as Job);
    }
  }

  #start(): HookThread | undefined {
    if (this.#threads.size >= this.#size) return undefined;
    const thread: HookThread = new HookThread({
      onIdle: () => this.#dispatch(),
      onEnd: () => {
        this.#threads.delete(thread);
        this.#dispatch();
      },
    });
    this.#threads.add(thread);
    return thread;
  }
}

/** One thread: starting → ready ⇄ working → ended. A job given before it is ready begins, and its time counts, from then. */
class HookThread {
  readonly #worker: Worker;
  readonly #answers: MessagePort;
  readonly #flag: Int32Array;
  readonly #events: { onIdle(): void; onEnd(): void };
  #ready = false;
  #ended = false;
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #resumedAt = 0;
  #ranMs = 0;

  constructor(events: { onIdle(): void; onEnd(): void }) {
    this.#events = events;
    const { port1, port2 } = new MessageChannel();
    const signal = new SharedArrayBuffer(4);
    this.#flag = new Int32Array(signal);
    this.#answers = port1;
    const setup: WorkerSetup = { signal, answers: port2 };
    this.#worker = new Worker(new URL("./hook.worker.ts", import.meta.url), {
      workerData: setup,
      transferList: [port2],
      env: {},
      execArgv: [],
      resourceLimits,
    });
    this.#answers.unref();
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.once("error", (error) => void this.end(failureOf(error)));
    this.#worker.once("exit", () => void this.end(new HookFailure("trap", "the thread of the hook ended")));
    this.#worker.unref();
  }

  get idle(): boolean {
    return this.#job === undefined && !this.#ended;
  }

  take(job: Job): void {
    this.#job = job;
    this.#worker.ref();
    if (this.#ready) this.#begin(job);
  }

  /** Ends the thread and fails what it was doing. */
  async end(failure: HookFailure): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#job?.reject(failure);
    this.#job = undefined;
    this.#answers.close();
    this.#events.onEnd();
    await this.#worker.terminate();
  }

  #begin(job: Job): void {
    this.#ranMs = 0;
    this.#worker.postMessage(job.message);
    this.#resume(job);
  }

  #resume(job: Job): void {
    this.#resumedAt = performance.now();
    this.#timer = setTimeout(
      () => {
        // On a busy machine the hook may have ended long ago: what it said is read before it is judged.
        const timer = this.#timer;
        setImmediate(() => {
          if (this.#job === job && this.#timer === timer)
            void this.end(new HookFailure("timeout", `the hook ran longer than ${job.timeoutMs} ms`));
        });
      },
      Math.max(1, job.timeoutMs - this.#ranMs),
    );
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ranMs += performance.now() - this.#resumedAt;
  }

  #receive(message: FromWorker): void {
    const job = this.#job;
    if (message.kind === "ready") {
      this.#ready = true;
      if (job) this.#begin(job);
      return;
    }
    if (!job) return;
    this.#pause();
    if (message.kind === "ask") {
      void this.#answer(job, message.question);
      return;
    }
    this.#job = undefined;
    this.#worker.unref();
    job.resolve({ message, ranMs: this.#ranMs });
    this.#events.onIdle();
  }

  async #answer(job: Job, question: HookQuestion): Promise<void> {
    let answer: HookAnswer;
    try {
      answer = await job.answer(question);
    } catch (error) {
      answer = { failed: error instanceof Error ? error.message : String(error) };
      // The push fails with what really happened, not with the hook's complaint about it.
      job.reject(error);
    }
    if (this.#ended) return;
    this.#answers.postMessage(answer);
    Atomics.store(this.#flag, 0, 1);
    Atomics.notify(this.#flag, 0);
    this.#resume(job);
  }
}

function failureOf(error: Error): HookFailure {
  const isMemory = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
  if (isMemory) return new HookFailure("memory", "the hook used more memory than it may", { cause: error });
  return new HookFailure("trap", `the thread of the hook failed: ${error.message}`, { cause: error });
}
