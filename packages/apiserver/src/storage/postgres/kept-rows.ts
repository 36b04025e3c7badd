import type { KeptRows } from "../list.ts";
import type { StoredRow } from "../row.ts";
import type { StoredObject } from "../store.ts";
import type { RowSlice } from "./sorted-rows.ts";

/** Buffers handed over at a time come to about so much: few writes, and little waits in a slow client's queue. */
const jsonBytes = 512 * 1024;
/** Fewer rows than this are copied; more are handed over as they lie in memory. */
const minRowsAsTheyLie = 8;

/**
 * Rows chosen from memory for a list, which stay as they were when they were chosen: the cache changes copies of what a list
 * holds. Costs references, not bytes.
 */
export class SlicedRows implements KeptRows {
  readonly #slices: readonly RowSlice[];
  readonly length: number;

  constructor(slices: readonly RowSlice[]) {
    this.#slices = slices;
    this.length = slices.reduce((sum, { from, to }) => sum + to - from, 0);
    for (const { chunk } of slices) chunk.freeze();
  }

  get last(): StoredObject | undefined {
    const slice = this.#slices.at(-1);
    return slice?.chunk.rows[slice.to - 1];
  }

  *chunks(): Generator<readonly StoredRow[]> {
    for (const { chunk, from, to } of this.#slices) yield chunk.rows.slice(from, to);
  }

  *json(): Generator<readonly Buffer[]> {
    const out = new JsonBuffers();
    for (const { chunk, from, to } of this.#slices) {
      if (to - from < minRowsAsTheyLie) for (let index = from; index < to; index++) out.copy(chunk.rows[index]);
      else out.add(chunk.json(from, to));
      if (out.bytes >= jsonBytes) yield out.take();
    }
    if (out.bytes > 0) yield out.take();
  }
}

/** Rows that a search found, in order. */
export class FoundRows implements KeptRows {
  readonly #rows: readonly StoredRow[];

  constructor(rows: readonly StoredRow[]) {
    this.#rows = rows;
  }

  get length(): number {
    return this.#rows.length;
  }

  get last(): StoredObject | undefined {
    return this.#rows.at(-1);
  }

  *chunks(): Generator<readonly StoredRow[]> {
    for (let at = 0; at < this.#rows.length; at += 500) yield this.#rows.slice(at, at + 500);
  }

  *json(): Generator<readonly Buffer[]> {
    const out = new JsonBuffers();
    for (const row of this.#rows) {
      out.copy(row);
      if (out.bytes >= jsonBytes) yield out.take();
    }
    if (out.bytes > 0) yield out.take();
  }
}

const comma = Buffer.from(",");

/** Collects buffers; small ones become one. */
class JsonBuffers {
  #done: Buffer[] = [];
  #small: Buffer[] = [];
  bytes = 0;

  copy(row: StoredRow | undefined): void {
    if (!row) return;
    this.#small.push(comma, row.bytes);
    this.bytes += row.bytes.length + 1;
  }

  add(buffer: Buffer): void {
    this.#join();
    this.#done.push(buffer);
    this.bytes += buffer.length;
  }

  take(): readonly Buffer[] {
    this.#join();
    const taken = this.#done;
    this.#done = [];
    this.bytes = 0;
    return taken;
  }

  #join(): void {
    if (this.#small.length > 0) this.#done.push(Buffer.concat(this.#small));
    this.#small = [];
  }
}
