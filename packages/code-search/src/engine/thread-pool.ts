/** Threads for work that would hold the event loop. Each is started when there is work for it and ends when there was none for a while. */
import type { Worker } from "node:worker_threads";
import { BusyError } from "./code-search.ts";

export interface ThreadPoolOptions {
  start(): Worker;
  size: number;
  /** Jobs that may wait for a thread. */
  maxWaiting: number;
  /** A thread without work ends after this long, and its memory with it. */
  idleMs: number;
}

export interface JobOptions {
  /** The thread is ended with whatever it does when it takes longer. */
  timeoutMs: number;
  /** What is done when the caller gives up; a job that has not begun is dropped, a running one is told by its flag. */
  signal?: AbortSignal;
}

/** What goes to a thread, and what comes back. */
export interface JobMessage {
  request: unknown;
  /** Its first element becomes 1 when nobody waits for the answer any more. */
  cancelled: Int32Array;
}
export type JobAnswer = { answer: unknown } | { error: { name: string; message: string } };

/** A job failed in its thread; `kind` is the name of the error there. */
export class JobError extends Error {
  override readonly name = "JobError";
  readonly kind: string;
  constructor(kind: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
  }
}

interface Job extends JobOptions {
  message: JobMessage;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export class ThreadPool {
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #closed = false;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
  }

  /** @throws BusyError when too many wait, JobError for what went wrong in the thread, the signal's reason */
  run(request: unknown, options: JobOptions): Promise<unknown> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(new BusyError("the program is stopping"));
    if (this.#waiting.length >= this.#options.maxWaiting)
      return Promise.reject(new BusyError("too many searches are waiting; try again in a moment"));
    return new Promise((resolve, reject) => {
      const message = { request, cancelled: new Int32Array(new SharedArrayBuffer(4)) };
      const onAbort = () => {
        Atomics.store(message.cancelled, 0, 1);
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      };
      const settle =
        <T>(done: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener("abort", onAbort);
          done(value);
        };
      const job: Job = { ...options, message, resolve: settle(resolve), reject: settle(reject) };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(job);
      this.#dispatch();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) job.reject(new BusyError("the program is stopping"));
    await Promise.all([...this.#threads].map((thread) => thread.end(new BusyError("the program is stopping"))));
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && !this.#closed) {
      const thread = [...this.#threads].find(({ idle }) => idle) ?? this.#start();
      if (!thread) return;
      thread.take(this.#waiting.shift() as Job);
    }
  }

  #start(): Thread | undefined {
    const { size, start, idleMs } = this.#options;
    if (this.#threads.size >= size) return undefined;
    const thread: Thread = new Thread(start(), idleMs, {
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

class Thread {
  readonly #worker: Worker;
  readonly #idleMs: number;
  readonly #events: { onIdle(): void; onEnd(): void };
  #job: Job | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(worker: Worker, idleMs: number, events: { onIdle(): void; onEnd(): void }) {
    this.#worker = worker;
    this.#idleMs = idleMs;
    this.#events = events;
    worker.unref();
    worker.on("message", (message: JobAnswer) => this.#receive(message));
    worker.once("error", (error) => void this.end(failureOf(error)));
    worker.once("exit", () => void this.end(new JobError("Ended", "the thread ended")));
  }

  get idle(): boolean {
    return this.#job === undefined && !this.#ended;
  }

  take(job: Job): void {
    clearTimeout(this.#timer);
    this.#job = job;
    this.#worker.ref();
    this.#worker.postMessage(job.message);
    this.#timer = setTimeout(() => {
      // On a busy machine the answer may be there already: it is read before the thread is judged.
      setImmediate(() => {
        if (this.#job === job) void this.end(new JobError("Timeout", `it took longer than ${job.timeoutMs / 1000} s`));
      });
    }, job.timeoutMs);
  }

  async end(failure: Error): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    const job = this.#job;
    this.#job = undefined;
    job?.reject(failure);
    this.#events.onEnd();
    await this.#worker.terminate();
  }

  #receive(message: JobAnswer): void {
    const job = this.#job;
    if (!job) return;
    clearTimeout(this.#timer);
    this.#job = undefined;
    this.#worker.unref();
    this.#timer = setTimeout(() => void this.end(new JobError("Ended", "the thread had nothing to do")), this.#idleMs);
    this.#timer.unref();
    if ("answer" in message) job.resolve(message.answer);
    else job.reject(new JobError(message.error.name, message.error.message));
    this.#events.onIdle();
  }
}

function failureOf(error: unknown): JobError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY")
    return new JobError("Memory", "it needed more memory than it may use", { cause: error });
  return new JobError("Failed", `its thread failed: ${message}`, { cause: error });
}
