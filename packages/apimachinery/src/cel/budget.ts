import { CelBudgetError } from "./issues.ts";

/** What one expression may cost: kube-apiserver's PerCallLimit. */
export const defaultCostLimit = 1_000_000;

/** Looking at the clock is cheap but not free: once in this many units of cost or steps. */
const clockInterval = 1024;

/** Time of this thread on a processor: a busy machine must not make an expression fail. */
function cpuMilliseconds(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * How much work is left, in cost and in time. Cost is what kube-apiserver counts; steps are what it does not: elements that are compared, turns of a
 * loop. Nothing that runs out of it can be absorbed by `||` or a loop.
 */
export class Budget {
  readonly limit: number;
  readonly #deadline: number;
  #spent = 0;
  #untilLook = clockInterval;
  /** Cost and steps up to the last look. */
  #looked = 0;

  /** @param within a budget whose deadline counts instead of one of its own */
  constructor(limit: number = defaultCostLimit, timeoutMilliseconds = Number.POSITIVE_INFINITY, within?: Budget) {
    this.limit = limit;
    if (within !== undefined) this.#deadline = within.#deadline;
    else if (timeoutMilliseconds === Number.POSITIVE_INFINITY) this.#deadline = timeoutMilliseconds;
    else this.#deadline = cpuMilliseconds() + timeoutMilliseconds;
  }

  get spent(): number {
    return this.#spent;
  }

  /** Cost and steps so far. */
  get steps(): number {
    return this.#looked + clockInterval - this.#untilLook;
  }

  /** @throws CelBudgetError */
  spend(cost: number): void {
    if (this.#spent > this.limit) throw new CelBudgetError();
    this.#spent += cost;
    if (this.#spent > this.limit) throw new CelBudgetError();
    this.#untilLook -= cost;
    if (this.#untilLook <= 0) this.step(0);
  }

  /** Work that costs nothing but takes time. @throws CelBudgetError */
  step(count = 1): void {
    this.#untilLook -= count;
    if (this.#untilLook > 0) return;
    this.#looked += clockInterval - this.#untilLook;
    this.#untilLook = clockInterval;
    if (cpuMilliseconds() > this.#deadline)
      throw new CelBudgetError("operation cancelled: the expression took too long");
  }
}
