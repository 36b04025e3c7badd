import { tooManyRequests } from "@krate/kinds";
import type { Stage } from "../context.ts";
import type { Limits } from "../services.ts";
import { isWrite } from "./audit.ts";
import { isLongRunning } from "./deadline.ts";

/**
 * So many reads and so many writes at a time; more wait their turn, and when too many wait, 429 with Retry-After. Health checks, watches
 * and logs are not counted.
 */
export function limit({
  maxReads,
  maxWrites,
  maxWaiting,
}: Pick<Limits, "maxReads" | "maxWrites" | "maxWaiting">): Stage {
  const reads = new Lane(maxReads, maxWaiting);
  const writes = new Lane(maxWrites, maxWaiting);
  return async (ctx, next) => {
    if (!ctx.info.isResource || isLongRunning(ctx)) return next(ctx);
    const lane = isWrite(ctx) ? writes : reads;
    const turn = lane.enter();
    if (turn !== undefined) await turn;
    try {
      await next(ctx);
    } finally {
      lane.leave();
    }
  };
}

class Lane {
  readonly #max: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(max: number, maxWaiting: number) {
    this.#max = max;
    this.#maxWaiting = maxWaiting;
  }

  /** At once when there is room; a waiting request whose client has gone still takes its turn, and ends soon. */
  enter(): Promise<void> | undefined {
    if (this.#busy < this.#max) {
      this.#busy++;
      return undefined;
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      throw tooManyRequests("Too many requests, please try again later.", 1);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#busy--;
    else next();
  }
}
