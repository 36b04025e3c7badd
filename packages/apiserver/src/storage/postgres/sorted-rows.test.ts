import { describe, expect, test } from "@jest/globals";
import { compareKeys, type StoredRow } from "../row.ts";
import { SortedRows } from "./sorted-rows.ts";

const row = (namespace: string, name: string, revision = 1n): StoredRow => ({
  key: { group: "", resource: "pods", namespace, name },
  revision,
  bytes: Buffer.alloc(0),
  revisionOffset: 0,
  tags: [],
});

describe("SortedRows", () => {
  test("keeps thousands of rows in order through inserts and deletes in any order", () => {
    const rows = new SortedRows();
    const expected = new Map<string, StoredRow>();
    for (let step = 0; step < 6_000; step++) {
      const number = (step * 7_919) % 3_001;
      const each = row(`n${number % 3}`, `p${number}`, BigInt(step));
      const text = `${each.key.namespace}/${each.key.name}`;
      if (step % 5 === 4) {
        expect(rows.delete(each.key)).toBe(expected.get(text));
        expected.delete(text);
      } else {
        expect(rows.set(each)).toBe(expected.get(text));
        expected.set(text, each);
      }
    }
    const sorted = [...expected.values()].sort((a, b) => compareKeys(a.key, b.key));
    expect([...rows.after(undefined, undefined)]).toEqual(sorted);
    expect(rows.size).toBe(sorted.length);
    const inNamespace = sorted.filter((each) => each.key.namespace === "n1");
    expect([...rows.after(undefined, "n1")]).toEqual(inNamespace);
    expect(rows.count("n1")).toBe(inNamespace.length);
    const middle = sorted[1_000] as StoredRow;
    expect([...rows.after(middle.key, undefined)]).toEqual(sorted.slice(1_001));
    expect(rows.get(middle.key)).toBe(middle);
    expect(rows.get({ ...middle.key, name: "nobody" })).toBeUndefined();
  });

  test("goes on after a position that is not there any more", () => {
    const rows = new SortedRows();
    for (const name of ["a", "c"]) rows.set(row("n", name));
    expect([...rows.after({ namespace: "n", name: "b" }, "n")].map((each) => each.key.name)).toEqual(["c"]);
    expect([...rows.after({ namespace: "n", name: "c" }, undefined)]).toEqual([]);
    expect([...new SortedRows().after(undefined, "n")]).toEqual([]);
  });
});
