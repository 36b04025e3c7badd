/** The informer's memory: objects by key, with indexes, and the difference a new truth makes. Pure. */
import type { KubernetesObject } from "@krate/kinds";

export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** `old` is what was known before; for DELETED `object` is the last known state. */
export interface Change<T> {
  type: ChangeType;
  object: T;
  old?: T;
}

export type IndexFunction<T> = (object: T) => readonly string[];

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function storeKey(object: { metadata?: { namespace?: string; name?: string } } | undefined): string {
  const { namespace, name } = object?.metadata ?? {};
  return namespace ? `${namespace}/${name ?? ""}` : (name ?? "");
}

export class ObjectStore<T extends KubernetesObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, { of: IndexFunction<T>; values: Map<string, Map<string, T>> }>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): T[] {
    return [...this.#objects.values()];
  }

  /** Objects for which the index function names `value`. @throws Error when there is no such index */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (!index) throw new Error(`there is no index "${name}": ${[...this.#indexes.keys()].join(", ")}`);
    return [...(index.values.get(value)?.values() ?? [])];
  }

  addIndex(name: string, of: IndexFunction<T>): void {
    const index = { of, values: new Map<string, Map<string, T>>() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) addTo(index.values, of(object), key, object);
  }

  /**
   * Takes one state of an object. An object that was deleted and made anew while nobody looked (same name, other uid) is
   * two changes. The state already known is none.
   */
  put(object: T): Change<T>[] {
    const key = storeKey(object);
    const old = this.#objects.get(key);
    if (!old) {
      this.#set(key, object, undefined);
      return [{ type: "ADDED", object }];
    }
    if (old.metadata?.uid !== object.metadata?.uid) {
      this.#set(key, object, old);
      return [
        { type: "DELETED", object: old, old },
        { type: "ADDED", object },
      ];
    }
    if (old.metadata?.resourceVersion === object.metadata?.resourceVersion) return [];
    this.#set(key, object, old);
    return [{ type: "MODIFIED", object, old }];
  }

  /** `object` is the last state the server sent; an object nobody knew is no change. */
  remove(object: T): Change<T>[] {
    const key = storeKey(object);
    const old = this.#objects.get(key);
    if (!old) return [];
    this.#objects.delete(key);
    this.#unindex(key, old);
    return [{ type: "DELETED", object, old }];
  }

  /** Everything there is now; what is missing from it was deleted. */
  replace(objects: Iterable<T>): Change<T>[] {
    const changes: Change<T>[] = [];
    const gone = new Map(this.#objects);
    for (const object of objects) {
      gone.delete(storeKey(object));
      changes.push(...this.put(object));
    }
    for (const old of gone.values()) changes.push(...this.remove(old));
    return changes;
  }

  #set(key: string, object: T, old: T | undefined): void {
    if (old) this.#unindex(key, old);
    this.#objects.set(key, object);
    for (const { of, values } of this.#indexes.values()) addTo(values, of(object), key, object);
  }

  #unindex(key: string, object: T): void {
    for (const { of, values } of this.#indexes.values()) {
      for (const value of of(object)) {
        const entries = values.get(value);
        entries?.delete(key);
        if (entries?.size === 0) values.delete(value);
      }
    }
  }
}

function addTo<T>(index: Map<string, Map<string, T>>, values: readonly string[], key: string, object: T): void {
  for (const value of values) {
    let entries = index.get(value);
    if (!entries) {
      entries = new Map();
      index.set(value, entries);
    }
    entries.set(key, object);
  }
}
