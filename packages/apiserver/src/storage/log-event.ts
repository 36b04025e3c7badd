import type { StoredRow } from "./row.ts";
import type { ObjectEvent, WatchEventType } from "./store.ts";
import { type Condition, matches, type Tags } from "./tags.ts";

export type ChangeType = "created" | "updated" | "deleted";

/** What a change replaced. */
export interface PreviousState {
  tags: Tags;
  /** The state before, under the revision of the change. */
  load: () => Promise<StoredRow>;
  /** Bytes that `load` keeps in memory. */
  bytesInMemory: number;
}

/** One row of the log: what happened to one object at one revision. Shared by all watchers, never mutated. */
export class LogEvent {
  readonly revision: bigint;
  readonly change: ChangeType;
  /** State after the change; for a deletion the last state, with the deletion's revision. */
  readonly row: StoredRow;
  readonly #previous: PreviousState | undefined;
  #view: ObjectEvent | undefined;
  #entered: ObjectEvent | undefined;
  #left: Promise<ObjectEvent> | undefined;

  constructor(change: ChangeType, row: StoredRow, previous: PreviousState | undefined) {
    this.revision = row.revision;
    this.change = change;
    this.row = row;
    this.#previous = previous;
  }

  /** Bytes it keeps alive. */
  get bytes(): number {
    return this.row.bytes.length + (this.#previous?.bytesInMemory ?? 0);
  }

  /**
   * The event as a watcher with these conditions sees it; `undefined` when it does not concern it.
   * Follows k8s.io/apiserver/pkg/storage/cacher: an object that starts to match is ADDED, one that stops is DELETED.
   */
  view(conditions: readonly Condition[]): ObjectEvent | Promise<ObjectEvent> | undefined {
    if (conditions.length === 0) return this.#plainView();
    const is = this.change !== "deleted" && matches(conditions, this.row.key, this.row.tags);
    const was = this.#previous !== undefined && matches(conditions, this.row.key, this.#previous.tags);
    if (is) return was || this.change === "created" ? this.#plainView() : this.#enteredView();
    if (!was) return undefined;
    return this.change === "deleted" ? this.#plainView() : this.#leftView();
  }

  #plainView(): ObjectEvent {
    this.#view ??= { type: plain[this.change], revision: this.revision, object: this.row };
    return this.#view;
  }

  /** An update that made the object match: news to this watcher. */
  #enteredView(): ObjectEvent {
    this.#entered ??= { type: "ADDED", revision: this.revision, object: this.row };
    return this.#entered;
  }

  /** DELETED for a watcher whose selector the object has left: its last matching state under this revision. */
  async #leftView(): Promise<ObjectEvent> {
    this.#left ??= this.#loadPrevious().then((object) => ({ type: "DELETED", revision: this.revision, object }));
    try {
      return await this.#left;
    } catch (error) {
      this.#left = undefined; // the next watcher tries again
      throw error;
    }
  }

  #loadPrevious(): Promise<StoredRow> {
    return this.#previous?.load() ?? Promise.reject(new Error(`revision ${this.revision} has no previous state`));
  }
}

const plain: Readonly<Record<ChangeType, WatchEventType>> = {
  created: "ADDED",
  updated: "MODIFIED",
  deleted: "DELETED",
};
