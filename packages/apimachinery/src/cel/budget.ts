import { CelBudgetError } from "./issues.ts";

/** What one expression may cost: kube-apiserver's PerCallLimit. A step costs 1, functions over text a tenth of its length. */
export const defaultCostLimit = 1_000_000;

/** Looking at the clock is cheap but not free: once in this many units of cost. */
const clockInterval = 1024;

/** How much work is left, in cost and in time. Nothing that runs out of it can be absorbed by `||` or a loop. */
export class Budget {
  readonly limit: number;
  readonly #deadline: number;
  #spent = 0;
  #nextLook: number;

  constructor(limit: number = defaultCostLimit, timeoutMilliseconds = Number.POSITIVE_INFINITY) {
    this.limit = limit;
    this.#deadline = performance.now() + timeoutMilliseconds;
    this.#nextLook = clockInterval;
  }

  get spent(): number {
    return this.#spent;
  }

  /** @throws CelBudgetError */
  spend(cost: number): void {
    this.#spent += cost;
    if (this.#spent > this.limit) throw new CelBudgetError();
    if (this.#spent < this.#nextLook) return;
    this.#nextLook = this.#spent + clockInterval;
    if (performance.now() > this.#deadline)
      throw new CelBudgetError("operation cancelled: the expression took too long");
  }
}
