import { type ApiError, expired } from "@krate/kinds";
import type { LogEvent } from "./log-event.ts";
import type { Scope } from "./store.ts";

export interface EventWindowOptions {
  maxEvents: number;
  maxBytes: number;
}

/** A queue that drops from its front in constant time. */
class EventQueue {
  /** Before `#start` there is nothing: what was dropped must not be kept alive. */
  #events: (LogEvent | undefined)[] = [];
  #start = 0;

  get first(): LogEvent | undefined {
    return this.#events[this.#start];
  }

  get empty(): boolean {
    return this.#start === this.#events.length;
  }

  push(event: LogEvent): void {
    this.#events.push(event);
  }

  shift(): LogEvent | undefined {
    const event = this.#events[this.#start];
    if (event) this.#events[this.#start++] = undefined;
    if (this.#start > 1024 && this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
    return event;
  }

  /** At most `limit` events after `revision`. */
  after(revision: bigint, limit: number): readonly LogEvent[] {
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as LogEvent).revision > revision) high = middle;
      else low = middle + 1;
    }
    return this.#events.slice(low, low + limit) as LogEvent[];
  }
}

/** A watcher that has read everything there is. Both functions are called while an event is published and must not throw. */
export interface Waiter {
  /** The next event of its resource and namespace. True: wait on, it was of no interest. */
  wake(event: LogEvent): boolean;
  fail(error: unknown): void;
}

interface Waiting {
  namespace: string | undefined;
  waiter: Waiter;
}

/** What reading from a position gives. */
export type Reading =
  | { state: "events"; events: readonly LogEvent[]; position: bigint }
  /** Nothing has happened between the position and the newest revision known here. */
  | { state: "current" }
  /** The window has dropped what follows the position: read the log. */
  | { state: "behind"; upTo: bigint };

/**
 * The newest events of the log, in memory once, for all watchers of this replica.
 *
 * Invariant: it holds every event in (floor, tail], in order, with no revision missing. `publish` takes only the next one.
 * A watcher is a position: it reads what follows it, and when nothing does, it waits to be woken by the first event of its
 * resource and namespace. Nobody is woken by what does not concern them.
 */
export class EventWindow {
  readonly #options: EventWindowOptions;
  readonly #all = new EventQueue();
  readonly #byResource = new Map<string, EventQueue>();
  readonly #waiting = new Map<string, Set<Waiting>>();
  #count = 0;
  #bytes = 0;
  #floor: bigint;
  #tail: bigint;
  #epoch = 0;

  constructor(start: bigint, options: EventWindowOptions) {
    this.#options = options;
    this.#floor = start;
    this.#tail = start;
  }

  /** The newest revision published. */
  get tail(): bigint {
    return this.#tail;
  }

  get floor(): bigint {
    return this.#floor;
  }

  /** How many events it holds. */
  get size(): number {
    return this.#count;
  }

  /** Counts `reset`s: positions from before one mean nothing after it. */
  get epoch(): number {
    return this.#epoch;
  }

  publish(event: LogEvent): void {
    if (event.revision !== this.#tail + 1n) {
      throw new Error(`revision ${event.revision} cannot follow ${this.#tail}: the log is read without gaps`);
    }
    const resource = resourceOf(event.row.key);
    this.#all.push(event);
    queueOf(this.#byResource, resource).push(event);
    this.#tail = event.revision;
    this.#count++;
    this.#bytes += event.bytes;
    this.#wake(resource, event);
    while (this.#count > this.#options.maxEvents || this.#bytes > this.#options.maxBytes) this.#dropOldest();
  }

  #wake(resource: string, event: LogEvent): void {
    const all = this.#waiting.get(resource);
    if (!all) return;
    const { namespace } = event.row.key;
    for (const each of all) {
      if (each.namespace !== undefined && each.namespace !== namespace) continue;
      if (!each.waiter.wake(event)) all.delete(each);
    }
  }

  #dropOldest(): void {
    const oldest = this.#all.shift();
    if (!oldest) return;
    const resource = resourceOf(oldest.row.key);
    const queue = this.#byResource.get(resource);
    queue?.shift();
    if (queue?.empty) this.#byResource.delete(resource);
    this.#count--;
    this.#bytes -= oldest.bytes;
    this.#floor = oldest.revision;
  }

  /** Forgets events up to and including `revision`. */
  dropUpTo(revision: bigint): void {
    while (this.#all.first && this.#all.first.revision <= revision) this.#dropOldest();
    if (this.#floor < revision && revision <= this.#tail) this.#floor = revision;
  }

  read(scope: Scope, position: bigint, limit: number): Reading {
    if (position < this.#floor) return { state: "behind", upTo: this.#tail };
    const found = this.#byResource.get(resourceOf(scope))?.after(position, limit) ?? [];
    if (found.length === 0) return { state: "current" };
    const { namespace } = scope;
    const events = namespace === undefined ? found : found.filter((event) => event.row.key.namespace === namespace);
    return {
      state: "events",
      events,
      position: found.length < limit ? this.#tail : (found.at(-1) as LogEvent).revision,
    };
  }

  /**
   * Wakes the waiter with the next event of this resource and namespace, until it has one of interest. Call it right after
   * `read` said `current`, with nothing awaited between. The answer ends the waiting.
   */
  wait({ namespace, ...resource }: Scope, waiter: Waiter): () => void {
    const name = resourceOf(resource);
    const all = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, all);
    const waiting = { namespace, waiter };
    all.add(waiting);
    return () => {
      all.delete(waiting);
    };
  }

  /** Starts anew after `revision`: the log in between is lost to this replica (compacted, or a restored database). */
  reset(revision: bigint): void {
    while (!this.#all.empty) this.#dropOldest();
    this.#epoch++;
    this.#floor = revision;
    this.#tail = revision;
    this.fail(historyLost());
  }

  /** Ends all waits with this error. */
  fail(error: unknown): void {
    for (const all of this.#waiting.values()) {
      const failed = [...all];
      all.clear();
      for (const { waiter } of failed) waiter.fail(error);
    }
  }
}

/** What a watcher gets when this replica's view of the log was broken. */
export function historyLost(): ApiError {
  return expired("too old resource version: this server lost the history the watch needs; list again");
}

export function resourceOf({ group, resource }: { group: string; resource: string }): string {
  return `${group}/${resource}`;
}

function queueOf(queues: Map<string, EventQueue>, resource: string): EventQueue {
  let queue = queues.get(resource);
  if (!queue) {
    queue = new EventQueue();
    queues.set(resource, queue);
  }
  return queue;
}
