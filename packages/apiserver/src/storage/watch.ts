import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, expired, isReason } from "@krate/kinds";
import { type EventWindow, historyLost, type Waiter } from "./event-window.ts";
import type { LogEvent } from "./log-event.ts";
import { later } from "./revision.ts";
import type {
  ListOptions,
  ListStream,
  ObjectEvent,
  Scope,
  TakeEvents,
  Watch,
  WatchEvent,
  WatchOptions,
} from "./store.ts";
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
  return {
    forEach: (take) => new WatchReader(source, options, take).read(),
    [Symbol.asyncIterator]: () => pulled(source, options),
  };
}

type Batch = readonly WatchEvent[];

/**
 * A watch being read: the current state where asked for, then for ever: what follows the position (from the window, or from
 * the log when the window has moved on), else the next event, a bookmark's time or the end.
 *
 * It pushes, because a thousand watchers take the step from "nothing new" to "this event" for each write: while a watcher
 * waits, an event goes from the window to `take` by calls alone. Everything else is left to a generator.
 */
class WatchReader implements Waiter {
  readonly #source: WatchSource;
  readonly #options: WatchOptions;
  readonly #take: TakeEvents;
  readonly #epoch: number;
  #conditions: readonly Condition[] = [];
  #position = 0n;
  #bookmarked = 0n;
  #done: () => void = () => {};
  #failed: (error: unknown) => void = () => {};
  #stopWaiting: (() => void) | undefined;
  #waitingSince = 0;
  #bookmarkTimer: NodeJS.Timeout | undefined;
  /** Aborted when the watch shall end. */
  readonly #ending = new AbortController();
  #ended = false;

  constructor(source: WatchSource, options: WatchOptions, take: TakeEvents) {
    this.#source = source;
    this.#options = options;
    this.#take = take;
    this.#epoch = source.window.epoch;
  }

  /** Resolves when the watch was told to end. @throws Expired */
  read(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      for (const signal of [this.#options.signal, this.#source.closing]) {
        if (signal?.aborted) this.end();
        else signal?.addEventListener("abort", this.end, { once: true });
      }
      if (!this.#ended) void this.#run(this.#begin());
    });
  }

  readonly end = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    this.#ending.abort();
    clearTimeout(this.#bookmarkTimer);
    for (const signal of [this.#options.signal, this.#source.closing]) signal?.removeEventListener("abort", this.end);
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#done();
  };

  /** For the window: see `Waiter`. */
  fail(error: unknown): void {
    this.#failed(error);
    this.end();
  }

  /** Takes what is read, then waits; never rejects. */
  async #run(first: AsyncGenerator<Batch, void>): Promise<void> {
    try {
      for (let reading: AsyncGenerator<Batch, void> | undefined = first; reading; reading = this.#readOrWait()) {
        for await (const batch of reading) {
          if (this.#ended) return;
          const taken = this.#take(batch);
          if (taken) await taken;
        }
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** How to read what follows the position; undefined when there is nothing yet: it waits. */
  #readOrWait(): AsyncGenerator<Batch, void> | undefined {
    if (this.#ended) return undefined;
    const { window } = this.#source;
    if (window.epoch !== this.#epoch) throw historyLost();
    if (window.read(this.#options, this.#position, eventsPerBatch).state !== "current") return this.#read();
    this.#stopWaiting = window.wait(this.#options, this);
    this.#waitingSince = performance.now();
    if (this.#options.bookmarks && !this.#bookmarkTimer) this.#planBookmark(this.#interval);
    return undefined;
  }

  async *#begin(): AsyncGenerator<Batch, void> {
    this.#conditions = await this.#source.conditions(this.#options);
    this.#position = yield* start(this.#source, { ...this.#options, signal: this.#ending.signal });
    this.#bookmarked = this.#position;
    yield* this.#read();
  }

  /** Until there is nothing more. */
  async *#read(): AsyncGenerator<Batch, void> {
    const { window } = this.#source;
    const { signal } = this.#ending;
    while (!this.#ended) {
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

  /** For the window: see `Waiter`. */
  wake(event: LogEvent): boolean {
    if (event.revision <= this.#position) return true; // the window is still behind what this watch began with
    const view = event.view(this.#conditions);
    if (view instanceof Promise) {
      view.catch(() => undefined); // asked for again when it is read
      this.#stopWaiting = undefined;
      void this.#run(this.#read());
      return false;
    }
    this.#position = event.revision;
    return view === undefined || this.#give([view]);
  }

  /** While it waits. True when it may go on waiting: the events were taken at once. */
  #give(batch: Batch): boolean {
    try {
      const taken = this.#take(batch);
      this.#waitingSince = performance.now();
      if (!taken) return !this.#ended;
      this.#stopWaiting = undefined;
      void this.#run(after(taken));
    } catch (error) {
      this.#stopWaiting = undefined;
      this.fail(error);
    }
    return false;
  }

  get #interval(): number {
    return this.#source.bookmarkIntervalMilliseconds;
  }

  /** One timer for the life of the watch: when it fires while there was news, it sets itself for the rest of the time. */
  #planBookmark(milliseconds: number): void {
    this.#bookmarkTimer = setTimeout(() => {
      const left = this.#stopWaiting ? this.#waitingSince + this.#interval - performance.now() : this.#interval;
      if (this.#stopWaiting && left <= 0) this.#bookmark(this.#stopWaiting);
      if (!this.#ended) this.#planBookmark(left <= 0 ? this.#interval : left);
    }, milliseconds).unref();
  }

  #bookmark(stopWaiting: () => void): void {
    this.#position = later(this.#source.window.tail, this.#position);
    this.#waitingSince = performance.now();
    if (this.#position <= this.#bookmarked) return;
    this.#bookmarked = this.#position;
    if (!this.#give([{ type: "BOOKMARK", revision: this.#position }])) stopWaiting();
  }
}

/** Nothing to read before `taken` is settled. */
// biome-ignore lint/correctness/useYield: it is waited for, like one that reads
async function* after(taken: Promise<void>): AsyncGenerator<Batch, void> {
  await taken;
}

/** The same events for whoever would rather ask for the next one. Leaving the loop ends the watch, also while the next one is waited for. */
function pulled(source: WatchSource, options: WatchOptions): AsyncIterableIterator<WatchEvent, void> {
  let offer: (batch: Batch | Promise<undefined>) => void = () => {};
  let ready: () => void = () => {};
  let over: Promise<undefined> | undefined;
  const reader = new WatchReader(source, options, (batch) => {
    offer(batch);
    return new Promise((resolve) => {
      ready = resolve;
    });
  });
  const finish = (how: Promise<undefined>) => {
    over = how;
    over.catch(() => undefined); // thrown to who asks for the next one
    offer(over);
  };
  const nextBatch = (): Promise<Batch | undefined> =>
    over ??
    new Promise((resolve) => {
      offer = resolve;
      ready();
    });
  async function* read(): AsyncGenerator<WatchEvent, void> {
    const first = nextBatch();
    void reader.read().then(
      () => finish(Promise.resolve(undefined)),
      (error: unknown) => finish(Promise.reject(error)),
    );
    for (let batch = await first; batch !== undefined; batch = await nextBatch()) yield* batch;
  }
  const events = read();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => events.next(),
    return: () => {
      reader.end();
      ready();
      return events.return();
    },
  };
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
