import type { Log } from "@krate/postgres";
import type { EventWindow } from "../event-window.ts";
import type { LogEvent } from "../log-event.ts";
import type { Head } from "./sql/read-head.ts";

export interface LogFollowerOptions {
  window: EventWindow;
  /** Events after a revision, in order, some hundred at a time. */
  readLog: (after: bigint) => Promise<LogEvent[]>;
  readHead: () => Promise<Head>;
  /** Called for each event, in order, before any watcher sees it. */
  onEvent: (event: LogEvent) => void;
  /** The view was lost: forget everything derived from events. */
  onReset: () => void;
  log: Log;
}

/**
 * Brings every revision of the log into the window, in order, none left out, whoever wrote it.
 *
 * This replica's own commits come from memory when they are the next revision; when another replica wrote in between, the
 * log is read. One read runs at a time. A gap in what was read means that compaction has overtaken this replica (it was
 * cut off for long): the window then starts anew at the head, and watchers are told to list again.
 */
export class LogFollower {
  readonly #options: LogFollowerOptions;
  #reading: Promise<void> | undefined;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  get tail(): bigint {
    return this.#options.window.tail;
  }

  /** Own events, just committed, in order. */
  committed(events: readonly LogEvent[]): void {
    const first = events[0];
    const last = events.at(-1);
    if (!first || !last) return;
    if (first.revision === this.tail + 1n) for (const event of events) this.#publish(event);
    else if (last.revision > this.tail) this.#inBackground(last.revision);
  }

  /** Resolves when everything up to `revision` is in the window. */
  async reach(revision: bigint): Promise<void> {
    while (this.tail < revision) {
      this.#reading ??= this.#readOnce(revision).finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
  }

  /** The head as the database tells it; lower than what it was means the database went back in time (a restored backup). */
  sawHead(head: Head, tailBefore: bigint): void {
    this.#options.window.dropUpTo(head.compacted);
    if (head.revision < tailBefore) this.#reset(head, `the database is at ${head.revision}, behind ${tailBefore}`);
    else if (head.revision > this.tail) this.#inBackground(head.revision);
  }

  #inBackground(revision: bigint): void {
    this.reach(revision).catch((error: unknown) => {
      this.#options.log.warn({ err: error, revision: String(revision) }, "could not read the log; trying again soon");
    });
  }

  async #readOnce(upTo: bigint): Promise<void> {
    const before = this.tail;
    const events = await this.#options.readLog(before);
    for (const event of events) {
      if (event.revision <= this.tail) continue;
      if (event.revision !== this.tail + 1n) return this.#lost(upTo);
      this.#publish(event);
    }
    if (events.length === 0 && this.tail === before && before < upTo) await this.#lost(upTo);
  }

  async #lost(upTo: bigint): Promise<void> {
    const head = await this.#options.readHead();
    if (head.revision < upTo)
      throw new Error(`the log ends at ${head.revision}, before ${upTo}: was the database restored?`);
    if (head.revision > this.tail) this.#reset(head, `revisions after ${this.tail} up to ${upTo} are compacted`);
  }

  #publish(event: LogEvent): void {
    this.#options.onEvent(event);
    this.#options.window.publish(event);
  }

  #reset(head: Head, why: string): void {
    this.#options.log.warn({ revision: String(head.revision) }, `the log has a gap for this replica: ${why}`);
    this.#options.onReset();
    this.#options.window.reset(head.revision);
  }
}
