import { ApiError, badRequest } from "@krate/kinds";
import { formatContinue, newest, parseContinue } from "./continue-token.ts";
import type { ListOptions, ListPage, ListStream, Scope, StoredObject } from "./store.ts";
import { compactedRevision, tooLargeResourceVersion } from "./watch.ts";

export interface ListPosition {
  namespace: string;
  name: string;
}

/** Reads on where it stopped. */
export interface RowCursor {
  next(count: number): Promise<{ rows: StoredObject[]; more: boolean }>;
}

/** Rows of a list that are in memory, as they were when the list was made. */
export interface KeptRows {
  readonly length: number;
  readonly last: StoredObject | undefined;
  chunks(): Iterable<readonly StoredObject[]>;
  /** See `ListStream.json`. */
  json(): Iterable<readonly Buffer[]>;
}

/** What a list needs of the store it belongs to. */
export interface ListSource {
  head(): Promise<{ revision: bigint; compacted: bigint }>;
  /** The state at a revision in key order, from after a position. */
  cursor(scope: Scope, from: { revision: bigint; after: ListPosition | undefined }): RowCursor;
  /** How many objects the scope has now, selector aside. */
  count(scope: Scope): Promise<number>;
  /**
   * A page from memory, where it can be had; in the order of `cursor`. Without `exactly`, of any revision since `notBefore`.
   * `total` is how many objects the scope has, selector aside, where that is known.
   */
  remembered?(
    scope: Scope,
    page: { notBefore: bigint; exactly: bigint | undefined; after: ListPosition | undefined; limit: number },
  ): Promise<{ revision: bigint; rows: KeptRows; more: boolean; total?: number | undefined } | undefined>;
}

/** Rows are fetched this many bytes at a time, as far as the size of earlier rows foretells. */
const chunkBytes = 1024 * 1024;
export const firstChunkRows = 500;
const maxChunkRows = 2_000;

interface Plan {
  revision: bigint;
  /** The caller wants this revision; otherwise a newer one is as good. */
  exact: boolean;
  after: ListPosition | undefined;
  /** Objects from here to the end, where the token knows. */
  remaining: number | undefined;
  limit: number;
}

/** Consistent in itself: all chunks are the state at one revision, however long the reading takes. */
export async function listStream(source: ListSource, options: ListOptions): Promise<ListStream> {
  const plan = await planList(source, options);
  return (await rememberedStream(source, options, plan)) ?? (await readStream(source, options, plan));
}

/** The whole page at once, since memory moves on; handed over in pieces all the same. */
async function rememberedStream(source: ListSource, options: ListOptions, plan: Plan): Promise<ListStream | undefined> {
  const { revision, exact, after, limit } = plan;
  const page = { notBefore: revision, exactly: exact ? revision : undefined, after, limit };
  const kept = await source.remembered?.(options, page);
  if (!kept) return undefined;
  const remaining = kept.more ? await knownRemaining(source, options, plan, kept.total) : undefined;
  const { rows } = kept;
  return {
    revision: kept.revision,
    chunks: inTurns(rows.chunks()),
    json: () => inTurns(rows.json()),
    end: () => (kept.more ? pageEnd(options, kept.revision, rows, remaining) : {}),
  };
}

async function* inTurns<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

const comma = Buffer.from(",");

async function* joined(chunks: AsyncIterable<readonly StoredObject[]>): AsyncGenerator<readonly Buffer[]> {
  for await (const chunk of chunks) yield [Buffer.concat(chunk.flatMap(({ bytes }) => [comma, bytes]))];
}

function pageEnd(
  options: ListOptions,
  revision: bigint,
  sent: { length: number; last: StoredObject | undefined },
  known: number | undefined,
): Pick<ListPage, "continue" | "remainingItemCount"> {
  const last = sent.last?.key;
  if (!last) return {};
  const remaining = known === undefined ? undefined : Math.max(known - sent.length, 1);
  const { namespace, name } = last;
  return {
    continue: formatContinue(options, { namespace, name, revision, remaining }),
    ...(remaining !== undefined && { remainingItemCount: remaining }),
  };
}

/** From the token, or counted for a first page; a selector or no limit leaves it unknown. */
async function knownRemaining(
  source: ListSource,
  options: ListOptions,
  plan: Plan,
  total?: number,
): Promise<number | undefined> {
  const counted = Number.isFinite(plan.limit) && !hasSelector(options) && plan.after === undefined;
  return counted ? (total ?? source.count(options)) : plan.remaining;
}

async function readStream(source: ListSource, options: ListOptions, plan: Plan): Promise<ListStream> {
  const known = await knownRemaining(source, options, plan);
  const cursor = source.cursor(options, plan);
  let last: StoredObject | undefined;
  let sent = 0;
  let more = false;
  async function* chunks(): AsyncGenerator<readonly StoredObject[]> {
    let count = firstChunkRows;
    do {
      const found = await cursor.next(Math.min(count, plan.limit - sent));
      await refuseIfCompacted(source, options, plan);
      more = found.more;
      sent += found.rows.length;
      last = found.rows.at(-1) ?? last;
      count = chunkRowsAfter(found.rows, chunkBytes);
      if (found.rows.length > 0) yield found.rows;
    } while (more && sent < plan.limit);
  }
  const rows = chunks();
  return {
    revision: plan.revision,
    chunks: rows,
    json: () => joined(rows),
    end: () => (more ? pageEnd(options, plan.revision, { length: sent, last }, known) : {}),
  };
}

export async function listPage(source: ListSource, options: ListOptions): Promise<ListPage> {
  const stream = await listStream(source, options);
  const items: StoredObject[] = [];
  for await (const chunk of stream.chunks) for (const item of chunk) items.push(item);
  return { items, revision: stream.revision, ...stream.end() };
}

/** How many rows come to so many bytes, as far as the rows just read foretell. */
export function chunkRowsAfter(chunk: readonly StoredObject[], chunkBytes: number): number {
  const bytes = chunk.reduce((sum, row) => sum + row.bytes.length, 0);
  const average = Math.max(bytes / Math.max(chunk.length, 1), 1);
  return Math.min(Math.max(Math.floor(chunkBytes / average), 1), maxChunkRows);
}

/** Read after the rows: rows read at a revision that was not compacted by then were all there. */
async function refuseIfCompacted(source: ListSource, options: ListOptions, { revision, after }: Plan): Promise<void> {
  const { compacted } = await source.head();
  if (revision >= compacted) return;
  throw after === undefined ? compactedRevision(revision, compacted) : expiredContinue(options, after);
}

/** In kube-apiserver's words: clients may go on with the token in it. Source: k8s.io/apiserver/pkg/storage/etcd3/errors.go. */
function expiredContinue(options: ListOptions, after: ListPosition): ApiError {
  return new ApiError(
    "Expired",
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    { continue: formatContinue(options, { ...after, revision: newest, remaining: undefined }) },
  );
}

/** Semantics: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions */
async function planList(source: ListSource, options: ListOptions): Promise<Plan> {
  const limit = plannedLimit(options);
  const wanted = options.resourceVersion || undefined;
  if (options.continue) {
    if (wanted !== undefined && wanted !== "0") {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    const { revision, namespace, name, remaining } = parseContinue(options, options.continue);
    const head = await source.head();
    if (revision === newest)
      return { revision: head.revision, exact: false, after: { namespace, name }, remaining, limit };
    if (revision < head.compacted) throw expiredContinue(options, { namespace, name });
    if (revision > head.revision) throw badRequest("continue key is not valid: it is newer than the data");
    return { revision, exact: true, after: { namespace, name }, remaining, limit };
  }
  const head = await source.head();
  const exact = options.resourceVersionMatch === "Exact";
  return { revision: listRevision(options, wanted, head), exact, after: undefined, remaining: undefined, limit };
}

function plannedLimit({ limit }: ListOptions): number {
  return limit && limit > 0 ? limit : Number.POSITIVE_INFINITY;
}

function listRevision(
  { resourceVersionMatch }: ListOptions,
  wanted: string | undefined,
  head: { revision: bigint; compacted: bigint },
): bigint {
  if (wanted === undefined) {
    if (resourceVersionMatch !== undefined) {
      throw badRequest("resourceVersionMatch is forbidden unless resourceVersion is provided");
    }
    return head.revision;
  }
  const revision = parseRevision(wanted);
  if (revision > head.revision) throw tooLargeResourceVersion(revision, head.revision);
  if (resourceVersionMatch !== "Exact") return head.revision;
  if (revision === 0n) throw badRequest('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  if (revision < head.compacted) throw compactedRevision(revision, head.compacted);
  return revision;
}

/** Throws BadRequest for anything but a decimal number. */
export function parseRevision(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw badRequest(`invalid resource version "${text}": must be a decimal number`);
  return BigInt(text);
}

function hasSelector({ selector }: ListOptions): boolean {
  return (selector?.labels?.length ?? 0) > 0 || (selector?.fields?.length ?? 0) > 0;
}
