import { CelError } from "./issues.ts";
import type { Value } from "./values.ts";
import { MapValue } from "./values.ts";

/** A map whose members are computed when they are first asked for: `variables` of a policy. */
export class LazyMap extends MapValue {
  readonly #members: Map<string, () => Value>;
  readonly #known = new Map<string, { value: Value } | { error: unknown }>();

  constructor(members: Iterable<readonly [string, () => Value]>) {
    super();
    this.#members = new Map(members);
  }
  get size(): number {
    return this.#members.size;
  }
  get(key: Value): Value | undefined {
    if (typeof key !== "string") return undefined;
    const known = this.#known.get(key) ?? this.#compute(key);
    if (known === undefined) return undefined;
    if ("error" in known) throw known.error;
    return known.value;
  }
  override has(key: Value): boolean {
    return typeof key === "string" && this.#members.has(key);
  }
  keys(): Iterable<string> {
    return this.#members.keys();
  }
  #compute(key: string): { value: Value } | { error: unknown } | undefined {
    const compute = this.#members.get(key);
    if (compute === undefined) return undefined;
    let result: { value: Value } | { error: unknown };
    try {
      result = { value: compute() };
    } catch (error) {
      if (!(error instanceof CelError)) throw error; // only what the expression did wrong is the variable's value
      result = { error };
    }
    this.#known.set(key, result);
    return result;
  }
}
