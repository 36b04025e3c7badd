/** How many searches one person may have under way, so that one script leaves room for the others. */
export class CallerLimit {
  readonly #max: number;
  readonly #running = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Undefined when the caller has as many as allowed. */
  enter(user: string): (() => void) | undefined {
    const running = this.#running.get(user) ?? 0;
    if (running >= this.#max) return undefined;
    this.#running.set(user, running + 1);
    return () => {
      const left = (this.#running.get(user) ?? 1) - 1;
      if (left > 0) this.#running.set(user, left);
      else this.#running.delete(user);
    };
  }
}
