import type { LogEvent } from "../log-event.ts";
import type { StoredRow } from "../row.ts";
import type { ObjectKey } from "../store.ts";

/**
 * Objects by key, least recently used dropped first, never more than `maxBytes`. It follows the log: each event replaces or
 * removes its object, so an entry is the state at the newest revision this replica has seen. An object read from the
 * database is let in only when no event touched its key while it was being read.
 */
export class ObjectCache {
  readonly #maxBytes: number;
  readonly #rows = new Map<string, StoredRow>();
  readonly #loading = new Map<string, Set<{ stale: boolean }>>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: ObjectKey): StoredRow | undefined {
    const text = textOf(key);
    const row = this.#rows.get(text);
    if (row) {
      this.#rows.delete(text);
      this.#rows.set(text, row);
    }
    return row;
  }

  apply(event: LogEvent): void {
    const text = textOf(event.row.key);
    for (const load of this.#loading.get(text) ?? []) load.stale = true;
    if (event.change === "deleted") this.#remove(text);
    else this.#put(text, event.row);
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
    this.#rows.clear();
    this.#bytes = 0;
  }

  #put(text: string, row: StoredRow): void {
    this.#remove(text);
    this.#rows.set(text, row);
    this.#bytes += sizeOf(row);
    for (const oldest of this.#rows.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest);
    }
  }

  #remove(text: string): void {
    const row = this.#rows.get(text);
    if (row && this.#rows.delete(text)) this.#bytes -= sizeOf(row);
  }
}

/** Strings, objects and map entries around the bytes; a heap snapshot of 2 KB objects said about 700. */
const overheadBytes = 700;

function sizeOf(row: StoredRow): number {
  return row.bytes.length + overheadBytes;
}

function textOf({ group, resource, namespace, name }: ObjectKey): string {
  return `${group}/${resource}/${namespace}/${name}`;
}
