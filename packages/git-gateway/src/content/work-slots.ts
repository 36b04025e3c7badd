import { GatewayError } from "../access/gateway-error.ts";

export interface WorkSlotsOptions {
  /** How many run at once. */
  running: number;
  /** How many may wait for their turn; more are refused. */
  waiting: number;
  /** How many of one owner may run or wait. */
  perOwner: number;
  /** Longest wait in milliseconds. @defaultValue without limit */
  waitMs?: number;
}

interface Waiting {
  start(): void;
  refuse(error: Error): void;
}

/** Bounds how much work runs at once: what git does for the content API never takes all processors from fetches and pushes. */
export class WorkSlots {
  readonly #options: WorkSlotsOptions;
  readonly #queue: Waiting[] = [];
  readonly #ofOwner = new Map<string, number>();
  #running = 0;

  constructor(options: WorkSlotsOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` for `owner` when a slot is free, in the order of arrival. The wait ends when `signal` fires.
   * @throws {GatewayError} 429 when too many wait already, or the wait took too long
   */
  async run<T>(owner: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const others = this.#ofOwner.get(owner) ?? 0;
    if (others >= this.#options.perOwner) throw tooMany(`${owner} has ${others} such requests under way`);
    this.#ofOwner.set(owner, others + 1);
    try {
      await this.#enter(signal);
      try {
        return await work();
      } finally {
        // The slot goes to the next one in line as it is, so that nobody slips in between.
        const next = this.#queue.shift();
        if (next) next.start();
        else this.#running--;
      }
    } finally {
      const left = (this.#ofOwner.get(owner) ?? 1) - 1;
      if (left > 0) this.#ofOwner.set(owner, left);
      else this.#ofOwner.delete(owner);
    }
  }

  #enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#running < this.#options.running) {
      this.#running++;
      return Promise.resolve();
    }
    if (this.#queue.length >= this.#options.waiting) return Promise.reject(tooMany(busy));
    return new Promise((resolve, reject) => {
      const leave = (error: Error) => {
        this.#queue.splice(this.#queue.indexOf(entry), 1);
        entry.refuse(error);
      };
      const timer =
        this.#options.waitMs === undefined ? undefined : setTimeout(() => leave(tooMany(busy)), this.#options.waitMs);
      const onAbort = () => leave(signal?.reason as Error);
      const over = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const entry: Waiting = {
        start() {
          over();
          resolve();
        },
        refuse(error) {
          over();
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(entry);
    });
  }
}

const retryAfterSeconds = 2;
const busy = "the gateway is busy with requests of this kind";

function tooMany(why: string): GatewayError {
  return new GatewayError(429, `${why}; try again in a moment`, { "retry-after": String(retryAfterSeconds) });
}
