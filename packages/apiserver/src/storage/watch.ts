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
  const batches = () => new WatchBatches(source, options);
  return {
    batches,
    async *[Symbol.asyncIterator]() {
      for await (const batch of batches()) yield* batch;
    },
  };
}

type Batch = readonly WatchEvent[];
type Result = IteratorResult<Batch, undefined>;

/**
 * A watch being read: the current state where asked for, then for ever: what follows the position (from the window, or from
 * the log when the window has moved on), else the next event, a bookmark's time or the end.
 *
 * Written by hand because a thousand watchers take the step from "nothing new" to "this event" for each write: it costs one
 * promise, and no timer or listener. Everything else is left to a generator.
 */
class WatchBatches implements AsyncIterableIterator<Batch, undefined> {
  readonly #source: WatchSource;
  readonly #options: WatchOptions;
  readonly #epoch: number;
  #conditions: readonly Condition[] = [];
  #position = 0n;
  #bookmarked = 0n;
  /** Reads the beginning, or what the window cannot give at once. */
  #catchingUp: AsyncGenerator<Batch, void> | undefined;
  #resolve: ((result: Result | Promise<Result>) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #stopWaiting: (() => void) | undefined;
  #waitingSince = 0;
  #bookmarkTimer: NodeJS.Timeout | undefined;
  /** Aborted when the watch shall end. */
  readonly #ended = new AbortController();

  constructor(source: WatchSource, options: WatchOptions) {
    this.#source = source;
    this.#options = options;
    this.#epoch = source.window.epoch;
    for (const signal of [options.signal, source.closing]) {
      if (signal?.aborted) this.#end();
      else signal?.addEventListener("abort", this.#end, { once: true });
    }
    this.#catchingUp = this.#begin();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Result> {
    if (this.#ended.signal.aborted) return Promise.resolve(done);
    return this.#catchingUp ? this.#catchUp(this.#catchingUp) : this.#nextOfWindow();
  }

  async return(): Promise<Result> {
    this.#end();
    await this.#catchingUp?.return();
    return done;
  }

  #nextOfWindow(): Promise<Result> {
    const { window } = this.#source;
    if (window.epoch !== this.#epoch) {
      this.#end();
      return Promise.reject(historyLost());
    }
    const reading = window.read(this.#options, this.#position, eventsPerBatch);
    if (reading.state === "current") return this.#wait();
    this.#catchingUp = this.#read();
    return this.#catchUp(this.#catchingUp);
  }

  async #catchUp(generator: AsyncGenerator<Batch, void>): Promise<Result> {
    try {
      const { done: caughtUp, value } = await generator.next();
      if (!caughtUp) return { done: false, value };
    } catch (error) {
      this.#end();
      throw error;
    }
    this.#catchingUp = undefined;
    return this.next();
  }

  async *#begin(): AsyncGenerator<Batch, void> {
    this.#conditions = await this.#source.conditions(this.#options);
    this.#position = yield* start(this.#source, { ...this.#options, signal: this.#ended.signal });
    this.#bookmarked = this.#position;
    yield* this.#read();
  }

  /** Until there is nothing more. */
  async *#read(): AsyncGenerator<Batch, void> {
    const { window } = this.#source;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      if (window.epoch !== this.#epoch) throw historyLost();
      const position = this.#position;
      const reading = window.read(this.#options, position, eventsPerBatch);
      if (reading.state === "current") return;
      const history = (upTo: bigint) => () => this.#source.history(this.#options, position, upTo, eventsPerBatch);
      const read = reading.state === "events" ? reading : await persistently(signal, history(reading.upTo));
      const seen = read && (await persistently(signal, () => viewAll(read.events, this.#conditions)));
      if (!read || !seen) return;
      this.#position = read.position;
      if (seen.length > 0) yield seen;
    }
  }

  #wait(): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#stopWaiting = this.#source.window.wait(this.#options, this);
      this.#waitingSince = performance.now();
      if (this.#options.bookmarks && !this.#bookmarkTimer) this.#planBookmark(this.#interval);
    });
  }

  /** For the window: see `Waiter`. */
  wake(event: LogEvent): boolean {
    if (event.revision <= this.#position) return true; // the window is still behind what this watch began with
    const view = event.view(this.#conditions);
    if (view instanceof Promise) {
      view.catch(() => undefined); // asked for again when it is read
      this.#answer(undefined);
      return false;
    }
    this.#position = event.revision;
    if (view === undefined) return true;
    this.#answer({ done: false, value: [view] });
    return false;
  }

  /** For the window: see `Waiter`. */
  fail(error: unknown): void {
    const reject = this.#reject;
    this.#forgetWait();
    this.#end();
    reject?.(error);
  }

  /** Ends the wait; without a result the next one is looked for. */
  #answer(result: Result | undefined): void {
    const resolve = this.#resolve;
    this.#forgetWait();
    resolve?.(result ?? this.next());
  }

  #forgetWait(): void {
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#stopWaiting = undefined;
  }

  readonly #end = (): void => {
    this.#ended.abort();
    clearTimeout(this.#bookmarkTimer);
    for (const signal of [this.#options.signal, this.#source.closing]) {
      signal?.removeEventListener("abort", this.#end);
    }
    this.#stopWaiting?.();
    this.#answer(done);
  };

  get #interval(): number {
    return this.#source.bookmarkIntervalMilliseconds;
  }

  /** One timer for the life of the watch: when it fires while there was news, it sets itself for the rest of the time. */
  #planBookmark(milliseconds: number): void {
    this.#bookmarkTimer = setTimeout(() => {
      const left = this.#resolve ? this.#waitingSince + this.#interval - performance.now() : this.#interval;
      if (this.#resolve && left <= 0) this.#bookmark();
      this.#planBookmark(left <= 0 ? this.#interval : left);
    }, milliseconds).unref();
  }

  #bookmark(): void {
    this.#position = later(this.#source.window.tail, this.#position);
    this.#waitingSince = performance.now();
    if (this.#position <= this.#bookmarked) return;
    this.#bookmarked = this.#position;
    this.#stopWaiting?.();
    this.#answer({ done: false, value: [{ type: "BOOKMARK", revision: this.#position }] });
  }
}

const done: Result = { done: true, value: undefined };

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
  if (sendInitialEvents === false) return head.revision;
  const { group, resource, namespace, selector } = options;
  const list = await source.listStream({ group, resource, namespace, selector });
  for await (const chunk of list.chunks) {
    if (signal?.aborted) return list.revision;
    if (chunk.length > 0) yield chunk.map((object) => ({ type: "ADDED", revision: object.revision, object }));
  }
  if (sendInitialEvents) yield [{ type: "BOOKMARK", revision: list.revision, initialEventsEnd: true }];
  return list.revision;
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
