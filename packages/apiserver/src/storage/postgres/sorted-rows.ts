import type { ListPosition } from "../list.ts";
import { compareKeys, type StoredRow } from "../row.ts";
import { RowChunk } from "./row-chunk.ts";

/** Some rows of a chunk: those in [from, to). */
export interface RowSlice {
  chunk: RowChunk;
  from: number;
  to: number;
}

/**
 * Rows of one resource in key order: an array of short sorted arrays. Insert, remove and seek are logarithmic in practice.
 * Takes possession of the rows it is given, see `RowChunk`.
 */
export class SortedRows {
  #chunks: RowChunk[] = [];
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
    const { number, index, found } = this.#seek(row.key);
    if (found) return this.#toChange(number).replace(index, row);
    this.#counted(row.key.namespace, 1);
    const last = this.#chunks[number];
    const atEnd = number === this.#chunks.length - 1 && index === last?.rows.length;
    if (!last || (atEnd && last.full)) {
      this.#chunks.push(new RowChunk([row])); // rows that come in order fill their chunks
      return undefined;
    }
    const chunk = this.#toChange(number);
    chunk.insert(index, row);
    if (chunk.tooLarge) this.#chunks.splice(number + 1, 0, chunk.split());
    return undefined;
  }

  delete(key: StoredRow["key"]): StoredRow | undefined {
    const { number, index, found } = this.#seek(key);
    return found ? this.#remove(number, index) : undefined;
  }

  get last(): StoredRow | undefined {
    return this.#chunks.at(-1)?.rows.at(-1);
  }

  /** Takes the last row away. */
  pop(): StoredRow | undefined {
    const number = this.#chunks.length - 1;
    const chunk = this.#chunks[number];
    return chunk && this.#remove(number, chunk.rows.length - 1);
  }

  get(key: ListPosition): StoredRow | undefined {
    const { number, index, found } = this.#seek(key);
    return found ? this.#chunks[number]?.rows[index] : undefined;
  }

  /** Rows after a position, in order; of one namespace where given, up to the first row of the next. */
  *after(position: ListPosition | undefined, namespace: string | undefined): Generator<StoredRow> {
    for (const { chunk, from, to } of this.slices(position, namespace)) {
      for (let index = from; index < to; index++) yield chunk.rows[index] as StoredRow;
    }
  }

  /** The same rows, as parts of chunks; none is empty. */
  *slices(position: ListPosition | undefined, namespace: string | undefined): Generator<RowSlice> {
    const start = position ?? (namespace === undefined ? undefined : { namespace, name: "" });
    const at = start ? this.#seek(start) : { number: 0, index: 0, found: false };
    let from = at.found ? at.index + 1 : at.index;
    for (let number = at.number; number < this.#chunks.length; number++, from = 0) {
      const chunk = this.#chunks[number] as RowChunk;
      const to = namespace === undefined ? chunk.rows.length : endOfNamespace(chunk.rows, from, namespace);
      if (to > from) yield { chunk, from, to };
      if (to < chunk.rows.length) return;
    }
  }

  /** Brings together the bytes of rows added at the end. */
  pack(): void {
    for (const chunk of this.#chunks.toReversed()) {
      if (chunk.packed) return;
      chunk.pack();
    }
  }

  #remove(number: number, index: number): StoredRow | undefined {
    const chunk = this.#toChange(number);
    const old = chunk.remove(index);
    if (chunk.rows.length === 0) this.#chunks.splice(number, 1);
    if (old) this.#counted(old.key.namespace, -1);
    return old;
  }

  #toChange(number: number): RowChunk {
    const chunk = (this.#chunks[number] as RowChunk).toChange();
    this.#chunks[number] = chunk;
    return chunk;
  }

  #counted(namespace: string, change: 1 | -1): void {
    this.#size += change;
    const count = (this.#namespaces.get(namespace) ?? 0) + change;
    if (count === 0) this.#namespaces.delete(namespace);
    else this.#namespaces.set(namespace, count);
  }

  /** The row with this key, or where it would be. */
  #seek(position: ListPosition): { number: number; index: number; found: boolean } {
    const number = Math.max(firstAfter(this.#chunks.length, (each) => this.#first(each), position) - 1, 0);
    const rows = this.#chunks[number]?.rows ?? [];
    const next = firstAfter(rows.length, (each) => (rows[each] as StoredRow).key, position);
    const before = rows[next - 1];
    if (before && compareKeys(before.key, position) === 0) return { number, index: next - 1, found: true };
    return { number, index: next, found: false };
  }

  #first(number: number): ListPosition {
    const [first] = (this.#chunks[number] as RowChunk).rows as [StoredRow];
    return first.key;
  }
}

/** The first index from `from` on with a row of another namespace. */
function endOfNamespace(rows: readonly StoredRow[], from: number, namespace: string): number {
  if (rows.at(-1)?.key.namespace === namespace && rows[from]?.key.namespace === namespace) return rows.length;
  let end = from;
  while (rows[end]?.key.namespace === namespace) end++;
  return end;
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
