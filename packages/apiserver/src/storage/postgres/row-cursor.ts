import type { ListPosition } from "../list.ts";
import type { StoredRow } from "../row.ts";
import type { Scope } from "../store.ts";
import { compileSelector } from "../tags.ts";
import { copyRows } from "./copy-rows.ts";
import type { ResourceIds } from "./resource-ids.ts";
import type { Sessions } from "./sessions.ts";
import { type ListRange, listRowsSql, rowsOfRevisionsSql, selectRevisionsSql } from "./sql/list-rows.ts";
import { isFull } from "./sql/read-bytes.ts";

export interface RowSource {
  sessions: Sessions;
  ids: ResourceIds;
}

/** The rows of a scope at a revision, from the database. */
async function readRows(
  source: RowSource,
  scope: Scope,
  page: { revision: bigint; after: ListPosition | undefined; limit: number },
): Promise<StoredRow[]> {
  const range = await rangeOf(source, scope, page);
  if (!range) return [];
  const { list, select } = source.sessions;
  return copyRows(range.conditions.length > 0 ? select : list, listRowsSql(range), scope);
}

async function rangeOf(
  { ids }: RowSource,
  { selector, ...scope }: Scope,
  page: { revision: bigint; after: ListPosition | undefined; limit: number },
): Promise<ListRange | undefined> {
  const resourceId = await ids.find(scope);
  if (resourceId === undefined) return undefined;
  return { resourceId, namespace: scope.namespace, conditions: compileSelector(resourceId, selector), ...page };
}

/**
 * A chunk has fewer rows than asked for when they are large (`maxReadBytes`); `more` may then be said of a list that ends there.
 * Without a selector each chunk goes on along the key. With one, finding the rows is what costs: after the first chunk (most
 * lists have no second) the rest is found once, as revisions, and fetched chunk by chunk.
 */
export function rowCursor(
  source: RowSource,
  scope: Scope,
  from: { revision: bigint; after: ListPosition | undefined },
): { next(count: number): Promise<{ rows: StoredRow[]; more: boolean }> } {
  const { revision } = from;
  let { after } = from;
  let found: bigint[] | undefined;

  async function alongKey(count: number): Promise<{ rows: StoredRow[]; more: boolean }> {
    const rows = await readRows(source, scope, { revision, after, limit: count + 1 });
    const more = rows.length > count;
    if (more) rows.pop();
    return { rows, more: more || isFull(rows) };
  }
  async function ofFound(count: number): Promise<{ rows: StoredRow[]; more: boolean }> {
    found ??= await selectRevisions(source, scope, { revision, after, limit: Number.POSITIVE_INFINITY });
    const asked = found.slice(0, count);
    const rows = await copyRows(source.sessions.list, rowsOfRevisionsSql(asked), scope);
    const last = isFull(rows) ? rows.at(-1)?.revision : undefined;
    found.splice(0, last === undefined ? asked.length : asked.indexOf(last) + 1);
    return { rows, more: found.length > 0 };
  }
  const selects = (scope.selector?.labels?.length ?? 0) + (scope.selector?.fields?.length ?? 0) > 0;
  let first = true;
  return {
    async next(count) {
      const chunk = selects && !first ? await ofFound(count) : await alongKey(count);
      first = false;
      after = chunk.rows.at(-1)?.key ?? after;
      return chunk;
    },
  };
}

async function selectRevisions(
  source: RowSource,
  scope: Scope,
  page: { revision: bigint; after: ListPosition | undefined; limit: number },
): Promise<bigint[]> {
  const range = await rangeOf(source, scope, page);
  if (!range) return [];
  const { rows } = await source.sessions.selector.query<{ revision: bigint }>({ text: selectRevisionsSql(range) });
  return rows.map((row) => row.revision);
}
