import type { KeptRows, ListPosition } from "../list.ts";
import { compareKeys, type StoredRow } from "../row.ts";
import { type Condition, matches } from "../tags.ts";
import { FoundRows, SlicedRows } from "./kept-rows.ts";
import type { RowSlice, SortedRows } from "./sorted-rows.ts";
import type { TagIndex } from "./tag-index.ts";

export interface Selection {
  namespace: string | undefined;
  after: ListPosition | undefined;
  limit: number;
  conditions: readonly Condition[];
}

/** What was chosen, and whether more follows it. */
export interface Selected {
  rows: KeptRows;
  more: boolean;
}

/** The rows in key order, as many as the limit allows. */
export function selectInOrder(rows: SortedRows, selection: Selection): Selected {
  const { namespace, after, limit, conditions } = selection;
  const chosen: RowSlice[] = [];
  let left = limit;
  for (const slice of rows.slices(after, namespace)) {
    for (const run of conditions.length > 0 ? runs(slice, conditions) : [slice]) {
      const to = Math.min(run.to, run.from + left);
      if (to > run.from) chosen.push({ chunk: run.chunk, from: run.from, to });
      left -= to - run.from;
      if (to < run.to) return { rows: new SlicedRows(chosen), more: true };
    }
  }
  return { rows: new SlicedRows(chosen), more: false };
}

/** The neighbours in a slice that match. */
function* runs({ chunk, from, to }: RowSlice, conditions: readonly Condition[]): Generator<RowSlice> {
  let start = -1;
  for (let index = from; index < to; index++) {
    const { key, tags } = chunk.rows[index] as StoredRow;
    const is = matches(conditions, key, tags);
    if (is && start < 0) start = index;
    if (is || start < 0) continue;
    yield { chunk, from: start, to: index };
    start = -1;
  }
  if (start >= 0) yield { chunk, from: start, to };
}

/** An index pays when it leaves out most rows: what it finds must be sorted. */
const minShareLeftOut = 8;

/** The same through what leads to few rows: a full name, or a tag. `undefined`: nothing does, go through all of them. */
export function selectByIndex(rows: SortedRows, index: () => TagIndex, selection: Selection): Selected | undefined {
  const candidates = named(rows, selection) ?? tagged(rows, index, selection);
  if (!candidates) return undefined;
  const { namespace, after, limit, conditions } = selection;
  const found = [...candidates]
    .filter(({ key }) => namespace === undefined || key.namespace === namespace)
    .filter(({ key }) => after === undefined || compareKeys(key, after) > 0)
    .filter(({ key, tags }) => matches(conditions, key, tags))
    .sort((a, b) => compareKeys(a.key, b.key));
  return { rows: new FoundRows(found.slice(0, limit)), more: found.length > limit };
}

/** The one object a selection can be about, where it says so. */
export function namedKey({
  namespace,
  conditions,
}: Pick<Selection, "namespace" | "conditions">): ListPosition | undefined {
  const required = (part: "name" | "namespace"): string | undefined => {
    for (const each of conditions) if (each.on === "key" && each.part === part && !each.negate) return each.value;
    return undefined;
  };
  const name = required("name");
  const within = namespace ?? required("namespace");
  return name === undefined || within === undefined ? undefined : { namespace: within, name };
}

function named(rows: SortedRows, selection: Selection): StoredRow[] | undefined {
  const key = namedKey(selection);
  if (!key) return undefined;
  const row = rows.get(key);
  return row ? [row] : [];
}

function tagged(rows: SortedRows, index: () => TagIndex, { conditions }: Selection): Iterable<StoredRow> | undefined {
  const useful = conditions.some((condition) => condition.on === "tags" && !condition.negate);
  return useful ? index().candidates(conditions, Math.floor(rows.size / minShareLeftOut)) : undefined;
}
