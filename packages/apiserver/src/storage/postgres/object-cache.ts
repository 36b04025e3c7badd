import type { LogEvent } from "../log-event.ts";
import type { StoredRow } from "../row.ts";
import type { ObjectKey } from "../store.ts";

/**
 * Objects by key, never more than `maxBytes`. It follows the log: each event replaces or removes its object, so an entry is
 * the state at the newest revision this replica has seen. An object read from the database is let in only when no event
 * touched its key while it was being read.
 *
 * Two generations: what is used moves to the young one; when that is half of the budget it becomes the old one, and what the
 * old one still held is dropped. (Reordering one Map on each use costs V8 a rehash now and then: 40 µs per get at 40,000.)
 */
export class ObjectCache {
  readonly #maxBytes: number;
  #young = new Map<string, StoredRow>();
  #old = new Map<string, StoredRow>();
  #youngBytes = 0;
  readonly #loading = new Map<string, Set<{ stale: boolean }>>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Of the young generation; the old one has at most as many. */
  get bytes(): number {
    return this.#youngBytes;
  }

  get(key: ObjectKey): StoredRow | undefined {
    const text = textOf(key);
    const young = this.#young.get(text);
    if (young) return young;
    const old = this.#old.get(text);
    if (old) this.#put(text, old);
    return old;
  }

  apply(event: LogEvent): void {
    this.forget(event.row.key);
    if (event.change !== "deleted") this.#put(textOf(event.row.key), event.row);
  }

  forget(key: ObjectKey): void {
    const text = textOf(key);
    for (const load of this.#loading.get(text) ?? []) load.stale = true;
    this.#remove(text);
  }

  /** Runs `read` and keeps what it gives, unless the object changed meanwhile. */
  async load(key: ObjectKey, read: () => Promise<StoredRow | undefined>): Promise<StoredRow | undefined> {
    const text = textOf(key);
    const load = { stale: false };
    const loads = this.#loading.get(text) ?? new Set();
    this.#loading.set(text, loads.add(load));
    try {
      const row = await read();
      if (row && !load.stale) this.#put(text, row);
      return row;
    } finally {
      loads.delete(load);
      if (loads.size === 0) this.#loading.delete(text);
    }
  }

  clear(): void {
    for (const loads of this.#loading.values()) for (const load of loads) load.stale = true;
    this.#young.clear();
    this.#old.clear();
    this.#youngBytes = 0;
  }

  #put(text: string, row: StoredRow): void {
    const size = rowBytes(row);
    this.#remove(text);
    if (size * 2 > this.#maxBytes) return;
    if ((this.#youngBytes + size) * 2 > this.#maxBytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(text, row);
    this.#youngBytes += size;
  }

  #remove(text: string): void {
    const row = this.#young.get(text);
    if (row) {
      this.#young.delete(text);
      this.#youngBytes -= rowBytes(row);
    }
    this.#old.delete(text);
  }
}

/** Strings, objects and map entries around the bytes; a heap snapshot of 2 KB objects said about 700. */
const overheadBytes = 700;

/** What a row costs in memory. */
export function rowBytes(row: StoredRow): number {
  return row.bytes.length + overheadBytes;
}

function textOf({ group, resource, namespace, name }: ObjectKey): string {
  return `${group}/${resource}/${namespace}/${name}`;
}
