import { describe, expect, test } from "@jest/globals";
import type { StoredRow } from "../row.ts";
import { RowChunk } from "./row-chunk.ts";

const row = (name: string, text: string): StoredRow => ({
  key: { group: "", resource: "pods", namespace: "n", name },
  revision: 1n,
  bytes: Buffer.alloc(text.length, text),
  revisionOffset: 0,
  tags: [],
});
const made = (...texts: string[]) => new RowChunk(texts.map((text) => row(text, text)));
const text = (chunk: RowChunk, from = 0, to = chunk.rows.length) => chunk.json(from, to).toString();

describe("RowChunk", () => {
  test("gives any of its rows as one piece, each with a comma before it", () => {
    const chunk = made("a", "bb", "ccc");
    expect(text(chunk)).toBe(",a,bb,ccc");
    expect(text(chunk, 1, 2)).toBe(",bb");
    expect(text(chunk, 2)).toBe(",ccc");
  });

  test("keeps bytes once: rows point into the piece", () => {
    const chunk = made("a", "bb");
    const piece = chunk.json(0, 2);
    expect(chunk.rows.map((each) => each.bytes.buffer)).toEqual([piece.buffer, piece.buffer]);
    expect(chunk.json(0, 1).buffer).toBe(piece.buffer);
  });

  test("changes in place until a list holds it; then a copy changes and the list keeps what it saw", () => {
    const chunk = made("a", "b", "c");
    expect(chunk.toChange()).toBe(chunk);
    chunk.freeze();
    const changed = chunk.toChange();
    changed.replace(1, row("b", "new"));
    changed.remove(0);
    changed.insert(2, row("d", "d"));
    expect(text(chunk)).toBe(",a,b,c");
    expect(text(changed)).toBe(",new,c,d");
    expect(changed.toChange()).toBe(changed);
  });

  test("a superseded chunk that is packed late leaves the rows of the present alone", () => {
    const chunk = made("a", "b");
    chunk.freeze();
    const changed = chunk.toChange();
    const piece = changed.json(0, 2);
    expect(text(chunk)).toBe(",a,b");
    expect(changed.rows.every((each) => each.bytes.buffer === piece.buffer)).toBe(true);
  });

  test("halves are right after a split", () => {
    const chunk = made("a", "b", "c");
    chunk.pack();
    const half = chunk.split();
    expect([text(chunk), text(half)]).toEqual([",a", ",b,c"]);
  });

  test("bytes of rows that went do not pile up", () => {
    const chunk = made("a".repeat(1_000), "b".repeat(1_000));
    chunk.pack();
    for (let turn = 0; turn < 20; turn++) chunk.toChange().replace(turn % 2, row("x", String(turn).repeat(500)));
    const held = new Set(chunk.rows.map((each) => each.bytes.buffer));
    const bytes = [...held].reduce((sum, each) => sum + each.byteLength, 0);
    expect(bytes).toBeLessThan(5_000);
  });
});
