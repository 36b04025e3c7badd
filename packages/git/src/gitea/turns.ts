/** Exclusive turns per key, in the order in which they were asked for. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves when it is this caller's turn; what it resolves to ends the turn. */
  async take(key: string): Promise<() => void> {
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = (before ?? Promise.resolve()).then(() => promise);
    this.#last.set(key, mine);
    await before;
    return () => {
      resolve();
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
  }
}
