/** The most recently used results of something that depends on its key alone. */
export class Memo<T> {
  readonly #results = new Map<string, Promise<T>>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string, compute: () => Promise<T>): Promise<T> {
    const known = this.#results.get(key);
    const result = known ?? compute();
    this.#results.delete(key);
    this.#results.set(key, result);
    // A failure, or the end of the reconcile that asked, must not be what the next one gets.
    if (!known) result.catch(() => this.#results.delete(key));
    if (this.#results.size > this.#max) this.#results.delete(this.#results.keys().next().value as string);
    return result;
  }
}
