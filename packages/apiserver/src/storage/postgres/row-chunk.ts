import type { StoredRow } from "../row.ts";

/** A list writes such a chunk in one go, a change moves so many references and, before the next list, copies so many bytes. */
const maxRows = 256;
const maxBytes = 1024 * 1024;
const comma = 0x2c;

/**
 * Neighbours in key order: a short sorted array, and on demand the same rows as one piece of JSON, from which lists are
 * written without copying an object. Packing moves the rows' bytes there, so they are in memory once.
 *
 * The rows must belong to the chunk alone: packing sets their `bytes` (to the same text elsewhere).
 */
export class RowChunk {
  readonly rows: StoredRow[];
  #bytes: number;
  /** `,row,row,row`, and where each row's comma stands in it. */
  #json: Buffer | undefined;
  #starts: readonly number[] = [];
  /** Bytes of rows that have gone but still stand in the piece the others point to. */
  #wasted = 0;
  #everPacked = false;
  #frozen = false;
  #superseded = false;

  constructor(rows: StoredRow[]) {
    this.rows = rows;
    this.#bytes = rows.reduce((sum, row) => sum + row.bytes.length, 0);
  }

  get full(): boolean {
    return this.rows.length >= maxRows || this.#bytes >= maxBytes;
  }

  get tooLarge(): boolean {
    return this.rows.length > 1 && (this.rows.length > maxRows || this.#bytes > maxBytes);
  }

  /** A list reads it from now on, perhaps for long: it must stay as it is. */
  freeze(): void {
    this.#frozen = true;
  }

  /** The chunk to change in place of this one: itself, or a copy when a list holds it. */
  toChange(): RowChunk {
    if (!this.#frozen) return this;
    this.#superseded = true;
    const copy = new RowChunk([...this.rows]);
    copy.#wasted = this.#wasted;
    copy.#everPacked = this.#everPacked;
    return copy;
  }

  insert(index: number, row: StoredRow): void {
    this.rows.splice(index, 0, row);
    this.#changed(row, undefined);
  }

  replace(index: number, row: StoredRow): StoredRow | undefined {
    const old = this.rows[index];
    this.rows[index] = row;
    this.#changed(row, old);
    return old;
  }

  remove(index: number): StoredRow | undefined {
    const [old] = this.rows.splice(index, 1);
    this.#changed(undefined, old);
    return old;
  }

  /** Takes the second half of the rows away. */
  split(): RowChunk {
    const half = new RowChunk(this.rows.splice(this.rows.length >>> 1));
    half.#everPacked = this.#everPacked;
    this.#bytes -= half.#bytes;
    this.#json = undefined;
    return half;
  }

  /** The rows in [from, to) as JSON, each with a comma before it. */
  json(from: number, to: number): Buffer {
    const json = this.#json ?? this.#pack();
    return json.subarray(this.#starts[from], this.#starts[to] ?? json.length);
  }

  get packed(): boolean {
    return this.#json !== undefined;
  }

  /** Brings the rows' bytes together. */
  pack(): void {
    this.#pack();
  }

  #changed(come: StoredRow | undefined, gone: StoredRow | undefined): void {
    this.#json = undefined;
    this.#bytes += (come?.bytes.length ?? 0) - (gone?.bytes.length ?? 0);
    if (!this.#everPacked) return;
    this.#wasted += gone?.bytes.length ?? 0;
    if (this.#wasted * 2 > this.#bytes) this.#pack();
  }

  #pack(): Buffer {
    const json = Buffer.allocUnsafeSlow(this.#bytes + this.rows.length);
    const starts: number[] = [];
    let at = 0;
    for (const row of this.rows) {
      starts.push(at);
      json[at] = comma;
      const end = at + 1 + row.bytes.copy(json, at + 1);
      if (!this.#superseded) row.bytes = json.subarray(at + 1, end);
      at = end;
    }
    this.#json = json;
    this.#starts = starts;
    this.#wasted = 0;
    this.#everPacked = true;
    return json;
  }
}
