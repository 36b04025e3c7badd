/**
 * The way from a variable to a part of it, as cel-go keeps it: a slice of a Go array. Two paths that grow from one share the array while there is room in
 * it, so that the one that grows later changes what the other says. That is a mistake in cel-go, but it decides what kube-apiserver accepts: of
 * `self.spec.labels.exists(k, v, k == v)` the key is taken for as long as the value.
 */
export class EstimatePath {
  readonly length: number;
  readonly #array: string[];
  readonly #capacity: number;

  private constructor(array: string[], length: number, capacity: number) {
    this.#array = array;
    this.length = length;
    this.#capacity = capacity;
  }

  static readonly empty = new EstimatePath([], 0, 0);

  static of(variable: string): EstimatePath {
    return new EstimatePath([variable], 1, 1);
  }

  /** As Go's `append`: the capacity doubles when there is no room. */
  append(name: string): EstimatePath {
    if (this.length < this.#capacity) {
      this.#array[this.length] = name;
      return new EstimatePath(this.#array, this.length + 1, this.#capacity);
    }
    return new EstimatePath([...this.names, name], this.length + 1, Math.max(1, this.#capacity * 2));
  }

  get names(): readonly string[] {
    return this.#array.slice(0, this.length);
  }
}
