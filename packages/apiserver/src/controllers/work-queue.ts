import type { Logger } from "@krate/telemetry";

export interface WorkQueueOptions {
  name: string;
  log: Logger;
  signal: AbortSignal;
  /** Does the work of one key; a number asks to be called again after so many milliseconds. */
  work: (key: string) => Promise<number | undefined>;
  /** Keys worked on at a time. @defaultValue 2 */
  concurrency?: number;
}

const firstDelayMilliseconds = 100;
const maxDelayMilliseconds = 30_000;

/** Keys to work on: each at most once at a time, failures again with doubling delay. Ends with the signal. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => {
      this.#waiting.clear();
      for (const timer of this.#timers) clearTimeout(timer);
    });
  }

  add(key: string): void {
    if (this.#options.signal.aborted) return;
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#start();
  }

  #addLater(key: string, milliseconds: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.add(key);
    }, milliseconds);
    timer.unref();
    this.#timers.add(timer);
  }

  #start(): void {
    const { concurrency = 2 } = this.#options;
    for (const key of this.#waiting) {
      if (this.#running.size >= concurrency) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const { work, log, name, signal } = this.#options;
    try {
      const again = await work(key);
      this.#failures.delete(key);
      if (again !== undefined && !signal.aborted) this.#addLater(key, again);
    } catch (err) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      if (!signal.aborted) {
        log.warn({ err, controller: name, key, failures }, "could not do the work; trying again");
        this.#addLater(key, Math.min(firstDelayMilliseconds * 2 ** (failures - 1), maxDelayMilliseconds));
      }
    }
    this.#running.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    this.#start();
  }
}
