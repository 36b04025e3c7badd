/**
 * A queue of keys. A key waits at most once, is never in two workers, and is taken again after its worker when it was
 * added meanwhile. Source: k8s.io/client-go/util/workqueue.
 *
 *   add ──► waiting ──worker free, key not in work──► in work ──done──► (added meanwhile? waiting : gone)
 *   addAfter / retry ──timer──► add
 */

export interface WorkQueueOptions {
  /** Wait before retry n is `initialMs * 2^n`, at most `maxMs`, times a factor from 0.75 to 1.25. @defaultValue 100 ms … 5 min */
  backoff?: { initialMs: number; maxMs: number };
  /** @defaultValue Math.random; tests make it constant */
  random?: () => number;
  onDepth?: (depth: number) => void;
  onAdd?: () => void;
}

export class WorkQueue {
  /** In order of arrival; the value is when it came, for the time-in-queue metric. */
  readonly #waiting = new Map<string, number>();
  readonly #inWork = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { timer: NodeJS.Timeout; due: number }>();
  readonly #failures = new Map<string, number>();
  readonly #options: WorkQueueOptions;
  #wake: (() => void)[] = [];
  #stopped = false;

  constructor(options: WorkQueueOptions = {}) {
    this.#options = options;
  }

  get depth(): number {
    return this.#waiting.size;
  }

  /** Keys a worker has in hand. */
  get inWork(): number {
    return this.#inWork.size;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#options.onAdd?.();
    if (this.#inWork.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#waiting.has(key)) return;
    this.#waiting.set(key, performance.now());
    this.#options.onDepth?.(this.depth);
    this.#wake.shift()?.();
  }

  /** Adds after a while; of several pending delays of one key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#stopped) return;
    const due = performance.now() + ms;
    const pending = this.#timers.get(key);
    if (pending && pending.due <= due) return;
    if (pending) clearTimeout(pending.timer);
    // setTimeout overflows at 2^31 ms; whoever waits longer is looked at earlier, which does no harm.
    const timer = setTimeout(
      () => {
        this.#timers.delete(key);
        this.add(key);
      },
      Math.min(ms, 2 ** 31 - 1),
    );
    timer.unref();
    this.#timers.set(key, { timer, due });
  }

  /** Adds after the key's back-off, which grows with every retry until `forget`. Returns the wait in ms. */
  retry(key: string): number {
    const { initialMs, maxMs } = this.#options.backoff ?? { initialMs: 100, maxMs: 300_000 };
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const random = this.#options.random ?? Math.random;
    const ms = Math.min(maxMs, initialMs * 2 ** Math.min(failures, 32)) * (0.75 + random() / 2);
    this.addAfter(key, ms);
    return ms;
  }

  /** The key went well: its next failure starts the back-off anew. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  retries(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /**
   * Hands keys to `work`, at most `concurrency` at a time, until `stop`; resolves when the last worker has finished.
   * `work` must not throw; should it do so, `onPanic` hears it, the key is retried, and the worker goes on.
   */
  async run(
    concurrency: number,
    work: (key: string, waitedMs: number) => Promise<void>,
    onPanic: (key: string, error: unknown) => void,
  ): Promise<void> {
    const worker = async () => {
      for (let next = await this.#take(); next; next = await this.#take()) {
        const { key, waitedMs } = next;
        try {
          await work(key, waitedMs);
        } catch (error) {
          onPanic(key, error);
          this.retry(key);
        } finally {
          this.#done(key);
        }
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  }

  /** No more keys are handed out; those in work are finished. */
  stop(): void {
    this.#stopped = true;
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#waiting.clear();
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #take(): Promise<{ key: string; waitedMs: number } | undefined> {
    while (!this.#stopped) {
      const first = this.#waiting.entries().next();
      if (!first.done) {
        const [key, since] = first.value;
        this.#waiting.delete(key);
        this.#inWork.add(key);
        this.#options.onDepth?.(this.depth);
        return { key, waitedMs: performance.now() - since };
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return undefined;
  }

  #done(key: string): void {
    this.#inWork.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }
}
