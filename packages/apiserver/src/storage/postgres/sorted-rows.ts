import type { ListPosition } from "../list.ts";
import { compareKeys, type StoredRow } from "../row.ts";

/** Rows per chunk: moving 512 references on an insert costs less than finding the chunk. */
const maxChunkRows = 512;

/** Rows of one resource in key order: an array of short sorted arrays. Insert, remove and seek are logarithmic in practice. */
export class SortedRows {
  #chunks: StoredRow[][] = [];
  readonly #namespaces = new Map<string, number>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How many rows a namespace has; all when `undefined`. */
  count(namespace: string | undefined): number {
    return namespace === undefined ? this.#size : (this.#namespaces.get(namespace) ?? 0);
  }

  /** Puts a row in its place; returns the one it replaced. */
  set(row: StoredRow): StoredRow | undefined {
    const at = this.#seek(row.key);
    if (at.found) {
      const old = at.chunk[at.index];
      at.chunk[at.index] = row;
      return old;
    }
    if (this.#chunks.length === 0) this.#chunks.push([row]);
    else at.chunk.splice(at.index, 0, row);
    if (at.chunk.length > maxChunkRows) this.#chunks.splice(at.number + 1, 0, at.chunk.splice(maxChunkRows / 2));
    this.#counted(row.key.namespace, 1);
    return undefined;
  }

  delete(key: StoredRow["key"]): StoredRow | undefined {
    const at = this.#seek(key);
    if (!at.found) return undefined;
    const [old] = at.chunk.splice(at.index, 1);
    if (at.chunk.length === 0) this.#chunks.splice(at.number, 1);
    this.#counted(key.namespace, -1);
    return old;
  }

  get last(): StoredRow | undefined {
    return this.#chunks.at(-1)?.at(-1);
  }

  /** Takes the last row away. */
  pop(): StoredRow | undefined {
    const chunk = this.#chunks.at(-1);
    const row = chunk?.pop();
    if (row) this.#counted(row.key.namespace, -1);
    if (chunk?.length === 0) this.#chunks.pop();
    return row;
  }

  get(key: StoredRow["key"]): StoredRow | undefined {
    const at = this.#seek(key);
    return at.found ? at.chunk[at.index] : undefined;
  }

  /** Rows after a position, in order; of one namespace where given, up to the first row of the next. */
  *after(position: ListPosition | undefined, namespace: string | undefined): Generator<StoredRow> {
    const start = position ?? (namespace === undefined ? undefined : { namespace, name: "" });
    const at = start ? this.#seek(start) : { number: 0, index: 0, found: false };
    let index = at.found ? at.index + 1 : at.index;
    for (let number = at.number; number < this.#chunks.length; number++, index = 0) {
      const chunk = this.#chunks[number] as StoredRow[];
      for (; index < chunk.length; index++) {
        const row = chunk[index] as StoredRow;
        if (namespace !== undefined && row.key.namespace !== namespace) return;
        yield row;
      }
    }
  }

  #counted(namespace: string, change: 1 | -1): void {
    this.#size += change;
    const count = (this.#namespaces.get(namespace) ?? 0) + change;
    if (count === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, count);
  }

  /** The row with this key, or where it would be. */
  #seek(position: ListPosition): { number: number; index: number; found: boolean; chunk: StoredRow[] } {
    const number = Math.max(firstAfter(this.#chunks.length, (each) => this.#first(each), position) - 1, 0);
    const chunk = this.#chunks[number] ?? [];
    const next = firstAfter(chunk.length, (each) => (chunk[each] as StoredRow).key, position);
    const before = chunk[next - 1];
    if (before && compareKeys(before.key, position) === 0) return { number, index: next - 1, found: true, chunk };
    return { number, index: next, found: false, chunk };
  }

  #first(number: number): ListPosition {
    const [first] = this.#chunks[number] as [StoredRow];
    return first.key;
  }
}

/** Binary search: the first of `length` sorted entries that is greater. */
function firstAfter(length: number, at: (index: number) => ListPosition, position: ListPosition): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(at(middle), position) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
