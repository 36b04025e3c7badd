import { describe, expect, test } from "@jest/globals";
import type { KeptRows } from "../list.ts";
import { compareKeys, type StoredRow } from "../row.ts";
import type { Selector } from "../store.ts";
import { compileSelector, matches, tagsOf } from "../tags.ts";
import { selectByIndex, selectInOrder } from "./selecting.ts";
import { SortedRows } from "./sorted-rows.ts";
import { TagIndex } from "./tag-index.ts";

const resourceId = 7;

function row(number: number): StoredRow {
  const name = `p${String(number).padStart(5, "0")}`;
  const labels: Record<string, string> = { parity: number % 2 ? "odd" : "even", bucket: String(number % 100) };
  const tags = tagsOf(resourceId, { head: "", tail: "", labels, fields: { "spec.state": number % 7 ? "Open" : "" } });
  const key = { group: "", resource: "pods", namespace: `n${number % 3}`, name };
  return { key, revision: BigInt(number + 1), bytes: Buffer.from(`{"name":"${name}"}`), revisionOffset: 0, tags };
}

const all = Array.from({ length: 3_000 }, (_, number) => row((number * 7_919) % 3_000));
const rows = new SortedRows();
for (const each of all) rows.set(each);
const index = new TagIndex(all);

const equal = (key: string, ...values: string[]): Selector => ({ labels: [{ key, operator: "In", values }] });
const name = (value: string): Selector => ({ fields: [{ field: "metadata.name", operator: "Equals", value }] });

const cases: {
  reason: string;
  selector: Selector;
  namespace?: string;
  after?: number;
  limit?: number;
  byIndex: boolean;
}[] = [
  { reason: "everything", selector: {}, byIndex: false },
  { reason: "a namespace", selector: {}, namespace: "n1", byIndex: false },
  { reason: "half of all is not worth an index", selector: equal("parity", "odd"), byIndex: false },
  { reason: "one in a hundred", selector: equal("bucket", "42"), byIndex: true },
  { reason: "several values", selector: equal("bucket", "1", "99", "nothing"), byIndex: true },
  { reason: "a page of a selection", selector: equal("bucket", "5"), limit: 7, byIndex: true },
  {
    reason: "the next page of it, in a namespace",
    selector: equal("bucket", "5"),
    namespace: "n2",
    after: 1_505,
    limit: 3,
    byIndex: true,
  },
  { reason: "a page of a plain list that ends with a chunk's end", selector: {}, limit: 512, byIndex: false },
  { reason: "a name in a namespace", selector: name("p00042"), namespace: "n0", byIndex: true },
  { reason: "a name in the wrong namespace", selector: name("p00042"), namespace: "n1", byIndex: true },
  { reason: "a name anywhere", selector: name("p00042"), byIndex: false },
  {
    reason: "a field that is empty",
    selector: { fields: [{ field: "spec.state", operator: "Equals", value: "" }] },
    byIndex: false,
  },
  {
    reason: "a rare label and its opposite field",
    selector: { ...equal("bucket", "7"), fields: [{ field: "spec.state", operator: "NotEquals", value: "Open" }] },
    byIndex: true,
  },
];

const namesOf = (kept: KeptRows) => [...kept.chunks()].flat().map((each) => `${each.key.namespace}/${each.key.name}`);
const jsonOf = (kept: KeptRows) => Buffer.concat([...kept.json()].flat()).toString();

describe("selecting from memory", () => {
  test.each(cases)(
    "$reason: in order, and by index the same",
    ({ selector, namespace, after, limit = Number.POSITIVE_INFINITY, byIndex }) => {
      const conditions = compileSelector(resourceId, selector);
      const position = after === undefined ? undefined : row(after).key;
      const wanted = all
        .filter((each) => namespace === undefined || each.key.namespace === namespace)
        .filter((each) => !position || compareKeys(each.key, position) > 0)
        .filter((each) => matches(conditions, each.key, each.tags))
        .sort((a, b) => compareKeys(a.key, b.key));
      const expected = wanted.slice(0, limit);
      const selection = { namespace, after: position, limit, conditions };
      const indexed = selectByIndex(rows, () => index, selection);
      expect(indexed !== undefined).toBe(byIndex);
      for (const found of [selectInOrder(rows, selection), ...(indexed ? [indexed] : [])]) {
        expect(namesOf(found.rows)).toEqual(expected.map((each) => `${each.key.namespace}/${each.key.name}`));
        expect(jsonOf(found.rows)).toBe(expected.map((each) => `,{"name":"${each.key.name}"}`).join(""));
        expect({ more: found.more, length: found.rows.length }).toEqual({
          more: wanted.length > limit,
          length: expected.length,
        });
        expect(found.rows.last?.key).toEqual(expected.at(-1)?.key);
      }
    },
  );

  test("an index forgets rows that went", () => {
    const some = [row(1), row(2)] as const;
    const tags = new TagIndex(some);
    tags.remove(some[0]);
    const conditions = compileSelector(resourceId, equal("bucket", "1", "2"));
    expect([...(tags.candidates(conditions, 10) ?? [])]).toEqual([some[1]]);
    expect(tags.candidates(conditions, 0)).toBeUndefined();
  });
});
