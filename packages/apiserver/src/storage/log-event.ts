import type { StoredRow } from "./row.ts";
import type { ObjectEvent, WatchEventType } from "./store.ts";
import { type Condition, matches, type Tags } from "./tags.ts";

export type ChangeType = "created" | "updated" | "deleted";

/** One row of the log: what happened to one object at one revision. Shared by all watchers, never mutated. */
export class LogEvent {
  readonly revision: bigint;
  readonly change: ChangeType;
  /** State after the change; for a deletion the last state, with the deletion's revision. */
  readonly row: StoredRow;
  readonly #previousTags: Tags;
  readonly #loadPrevious: () => Promise<StoredRow>;
  readonly #views = new Map<WatchEventType, ObjectEvent>();
  #left: Promise<ObjectEvent> | undefined;

  constructor(
    change: ChangeType,
    row: StoredRow,
    previous: { tags: Tags; load: () => Promise<StoredRow> } | undefined,
  ) {
    this.revision = row.revision;
    this.change = change;
    this.row = row;
    this.#previousTags = previous?.tags ?? [];
    this.#loadPrevious =
      previous?.load ?? (() => Promise.reject(new Error(`revision ${row.revision} has no previous state`)));
  }

  /**
   * The event as a watcher with these conditions sees it; `undefined` when it does not concern it.
   * Follows k8s.io/apiserver/pkg/storage/cacher: an object that starts to match is ADDED, one that stops is DELETED.
   */
  view(conditions: readonly Condition[]): ObjectEvent | Promise<ObjectEvent> | undefined {
    if (conditions.length === 0) return this.#viewAs(plain[this.change]);
    const is = this.change !== "deleted" && matches(conditions, this.row.key, this.row.tags);
    const was = this.change !== "created" && matches(conditions, this.row.key, this.#previousTags);
    if (is) return this.#viewAs(was ? "MODIFIED" : "ADDED");
    if (!was) return undefined;
    return this.change === "deleted" ? this.#viewAs("DELETED") : this.#viewAsLeft();
  }

  #viewAs(type: WatchEventType): ObjectEvent {
    let view = this.#views.get(type);
    if (!view) {
      view = { type, revision: this.revision, object: this.row };
      this.#views.set(type, view);
    }
    return view;
  }

  /** DELETED for a watcher whose selector the object has left: its last matching state under this revision. */
  async #viewAsLeft(): Promise<ObjectEvent> {
    this.#left ??= this.#loadPrevious().then((previous) => ({
      type: "DELETED",
      revision: this.revision,
      object: previous,
    }));
    try {
      return await this.#left;
    } catch (error) {
      this.#left = undefined; // the next watcher tries again
      throw error;
    }
  }
}

const plain: Readonly<Record<ChangeType, WatchEventType>> = {
  created: "ADDED",
  updated: "MODIFIED",
  deleted: "DELETED",
};
