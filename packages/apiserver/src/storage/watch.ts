import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, expired, isReason } from "@krate/kinds";
import { type EventWindow, historyLost } from "./event-window.ts";
import type { LogEvent } from "./log-event.ts";
import { later } from "./revision.ts";
import type { ListOptions, ListStream, ObjectEvent, Scope, Watch, WatchEvent, WatchOptions } from "./store.ts";
import type { Condition } from "./tags.ts";

/** What a watch needs of the store it belongs to. */
export interface WatchSource {
  window: EventWindow;
  bookmarkIntervalMilliseconds: number;
  /** Aborted when the store closes: watches then end as if their own signal had. */
  closing: AbortSignal;
  /** The newest revision and how far history is forgotten, as of now on all replicas. */
  head(): Promise<{ revision: bigint; compacted: bigint }>;
  listStream(options: ListOptions): Promise<ListStream>;
  /** Events of the scope in (after, upTo], at most `limit`; `position` says how far that reaches. Expired when compacted. */
  history(scope: Scope, after: bigint, upTo: bigint, limit: number): Promise<{ events: LogEvent[]; position: bigint }>;
  conditions(scope: Scope): Promise<readonly Condition[]>;
}

const eventsPerBatch = 500;

export function watch(source: WatchSource, options: WatchOptions): Watch {
  const signal = options.signal ? AbortSignal.any([options.signal, source.closing]) : source.closing;
  const batches = () => watchBatches(source, { ...options, signal });
  return {
    batches,
    async *[Symbol.asyncIterator]() {
      for await (const batch of batches()) yield* batch;
    },
  };
}

/**
 * Three parts: the current state where asked for, then for ever: read what follows the position (from the window, or from
 * the log when the window has moved on), else wait for the next event, a bookmark's time or the end.
 */
async function* watchBatches(source: WatchSource, options: WatchOptions): AsyncGenerator<readonly WatchEvent[]> {
  const { window } = source;
  const { signal } = options;
  const epoch = window.epoch;
  const conditions = await source.conditions(options);
  let position = yield* start(source, options);
  let bookmarked = position;
  while (!signal?.aborted) {
    if (window.epoch !== epoch) throw historyLost();
    const reading = window.read(options, position, eventsPerBatch);
    if (reading.state === "current") {
      const waited = await waitForNews(source, options);
      position = later(waited.position, position);
      if (waited.why === "bookmark" && position > bookmarked) {
        bookmarked = position;
        yield [{ type: "BOOKMARK", revision: position }];
      }
      continue;
    }
    const { upTo } = reading.state === "behind" ? reading : { upTo: position };
    const read =
      reading.state === "events"
        ? reading
        : await persistently(signal, () => source.history(options, position, upTo, eventsPerBatch));
    if (!read) return;
    const seen = await persistently(signal, () => viewAll(read.events, conditions));
    if (!seen) return;
    position = read.position;
    if (seen.length > 0) yield seen;
  }
}

const firstRetryMilliseconds = 50;
const lastRetryMilliseconds = 2_000;

/** A watch outlives a database that is away for a while: tries again until it is back. `undefined` when told to end. */
async function persistently<T>(signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T | undefined> {
  for (let delay = firstRetryMilliseconds; ; delay = Math.min(delay * 2, lastRetryMilliseconds)) {
    try {
      return await read();
    } catch (error) {
      if (!isReason(error, "ServiceUnavailable") && !isReason(error, "Timeout")) throw error;
      await sleep(delay, undefined, { signal }).catch(() => undefined); // the loop looks at the signal itself
      if (signal?.aborted) return undefined;
    }
  }
}

/** The first part of a watch; returns the position it starts from. */
async function* start(source: WatchSource, options: WatchOptions): AsyncGenerator<readonly WatchEvent[], bigint> {
  const { fromRevision, sendInitialEvents, signal } = options;
  const head = await source.head();
  if (fromRevision && fromRevision > head.revision) throw tooLargeResourceVersion(fromRevision, head.revision);
  if (fromRevision && !sendInitialEvents) {
    if (fromRevision < head.compacted) throw compactedRevision(fromRevision, head.compacted);
    return fromRevision;
  }
  const { group, resource, namespace, selector } = options;
  const list = await source.listStream({ group, resource, namespace, selector });
  for await (const chunk of list.chunks) {
    if (signal?.aborted) return list.revision;
    if (chunk.length > 0) yield chunk.map((object) => ({ type: "ADDED", revision: object.revision, object }));
  }
  if (sendInitialEvents) yield [{ type: "BOOKMARK", revision: list.revision, initialEventsEnd: true }];
  return list.revision;
}

async function waitForNews(
  { window, bookmarkIntervalMilliseconds }: WatchSource,
  { bookmarks, signal, ...scope }: WatchOptions,
): Promise<{ position: bigint; why: "event" | "bookmark" | "abort" }> {
  const { next, cancel } = window.wait(scope);
  let why: "event" | "bookmark" | "abort" = "event";
  const abort = () => {
    why = "abort";
    cancel();
  };
  const due = () => {
    why = "bookmark";
    cancel();
  };
  signal?.addEventListener("abort", abort, { once: true });
  const timer = bookmarks ? setTimeout(due, bookmarkIntervalMilliseconds).unref() : undefined;
  try {
    return { position: await next, why };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function viewAll(events: readonly LogEvent[], conditions: readonly Condition[]): Promise<ObjectEvent[]> {
  const seen: ObjectEvent[] = [];
  for (const event of events) {
    const view = event.view(conditions);
    if (view !== undefined) seen.push(view instanceof Promise ? await view : view);
  }
  return seen;
}

/** 410. The text starts as kube-apiserver's does; client-go looks for it. */
export function compactedRevision(revision: bigint, compacted: bigint): ApiError {
  return expired(`too old resource version: ${revision} (history up to ${compacted} is compacted; list again)`);
}

/** 504 with the cause kube-apiserver gives; clients retry. Source: apimachinery errors.NewTooLargeResourceVersionError. */
export function tooLargeResourceVersion(wanted: bigint, current: bigint): ApiError {
  return new ApiError("Timeout", `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}
