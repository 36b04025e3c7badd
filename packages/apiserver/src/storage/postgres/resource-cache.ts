import type { Log } from "@krate/postgres";
import { resourceOf } from "../event-window.ts";
import type { ListPosition } from "../list.ts";
import type { LogEvent } from "../log-event.ts";
import type { StoredRow } from "../row.ts";
import type { ObjectKey, Scope } from "../store.ts";
import { type Condition, matches } from "../tags.ts";
import { rowBytes } from "./object-cache.ts";
import { SortedRows } from "./sorted-rows.ts";

export interface ResourceCacheOptions {
  /** For all resources together. */
  maxBytes: number;
  /** The newest revision this replica has seen; every event up to it went through `apply`. */
  tail: () => bigint;
  /** How many objects a resource has now. */
  count: (scope: Scope) => Promise<number>;
  /** All rows of a resource at a revision, some at a time. */
  load: (scope: Scope, revision: bigint) => AsyncIterable<readonly StoredRow[]>;
  log: Log;
}

/** A resource is loaded when it is listed again within this time: an informer lists once and watches from then on. */
const listedAgainMilliseconds = 60_000;
/** After it did not fit, or could not be loaded. */
const retryMilliseconds = 60_000;
/** Below this many rows a selector is tried on each; above, the index of the database is faster. */
const maxRowsToFilter = 5_000;
const assumedRowBytes = 2_000;

interface Resource {
  state: "cold" | "loading" | "complete";
  rows: SortedRows;
  bytes: number;
  /** The revision of its newest event. */
  changed: bigint;
  /** Events that came while it was being loaded. */
  pending: LogEvent[];
  listedAt: number;
  retryAt: number;
}

export interface RememberedList {
  /** The state the rows are of. */
  revision: bigint;
  rows: StoredRow[];
  /** Whether rows follow. */
  more: boolean;
  /** How many rows the scope has after `after`; `undefined` with a selector. */
  remaining: number | undefined;
}

/**
 * Whole resources in memory, in order, kept up by the log: lists and gets without the database. A list of 500 takes 0.1 ms
 * here and 4 ms of two processors through COPY.
 *
 * States of a resource: cold → (listed twice) → loading → complete → (no room, or the log was lost) → cold. While loading,
 * the rows of one revision are read and the events after it are kept; then they are applied. Only `complete` answers.
 */
export class ResourceCache {
  readonly #options: ResourceCacheOptions;
  readonly #resources = new Map<string, Resource>();
  #bytes = 0;
  #epoch = 0;

  constructor(options: ResourceCacheOptions) {
    this.#options = options;
  }

  /** True when this cache holds the resource, and the event is in it. */
  apply(event: LogEvent): boolean {
    const resource = this.#resources.get(resourceOf(event.row.key));
    if (!resource) return false;
    resource.changed = event.revision;
    if (resource.state === "loading") resource.pending.push(event);
    if (resource.state !== "complete") return false;
    this.#put(resource, event);
    if (this.#bytes > this.#options.maxBytes) this.#makeRoom();
    return true;
  }

  /** `known` false: ask somebody else. */
  get(key: ObjectKey): { known: boolean; row?: StoredRow | undefined } {
    const resource = this.#resources.get(resourceOf(key));
    if (resource?.state !== "complete") return { known: false };
    return { known: true, row: resource.rows.get(key) };
  }

  /**
   * A page, if it can be had from memory. `exactly` a revision: only while nothing of the resource has changed since;
   * otherwise at the newest revision seen.
   */
  list(
    scope: Scope,
    page: {
      exactly: bigint | undefined;
      after: ListPosition | undefined;
      limit: number;
      conditions: readonly Condition[];
    },
  ): RememberedList | undefined {
    const resource = this.#resources.get(resourceOf(scope)) ?? this.#cold(scope);
    if (resource.state !== "complete") {
      if (resource.state === "cold" && page.after === undefined) this.#listed(scope, resource);
      return undefined;
    }
    const { exactly, after, limit, conditions } = page;
    if (exactly !== undefined && exactly < resource.changed) return undefined;
    if (conditions.length > 0 && resource.rows.count(scope.namespace) > maxRowsToFilter) return undefined;
    resource.listedAt = Date.now();
    const rows: StoredRow[] = [];
    for (const row of resource.rows.after(after, scope.namespace)) {
      if (conditions.length > 0 && !matches(conditions, row.key, row.tags)) continue;
      if (rows.length === limit) {
        return {
          revision: exactly ?? this.#options.tail(),
          rows,
          more: true,
          remaining: remainingOf(resource, page, scope),
        };
      }
      rows.push(row);
    }
    return { revision: exactly ?? this.#options.tail(), rows, more: false, remaining: undefined };
  }

  clear(): void {
    this.#epoch++;
    this.#resources.clear();
    this.#bytes = 0;
  }

  #cold(scope: Scope): Resource {
    const resource: Resource = {
      state: "cold",
      rows: new SortedRows(),
      bytes: 0,
      changed: this.#options.tail(),
      pending: [],
      listedAt: Number.NEGATIVE_INFINITY,
      retryAt: Number.NEGATIVE_INFINITY,
    };
    this.#resources.set(resourceOf(scope), resource);
    return resource;
  }

  #listed(scope: Scope, resource: Resource): void {
    const now = Date.now();
    const again = now - resource.listedAt < listedAgainMilliseconds;
    resource.listedAt = now;
    if (!again || now < resource.retryAt || this.#options.maxBytes === 0) return;
    resource.state = "loading";
    this.#load({ group: scope.group, resource: scope.resource }, resource).catch((error: unknown) => {
      this.#drop(resource);
      this.#options.log.debug({ err: error, resource: resourceOf(scope) }, "could not load a resource into memory");
    });
  }

  async #load(scope: Scope, resource: Resource): Promise<void> {
    const epoch = this.#epoch;
    const { count, load, tail, maxBytes } = this.#options;
    if ((await count(scope)) * assumedRowBytes > maxBytes) return this.#drop(resource);
    resource.pending = [];
    for await (const rows of load(scope, tail())) {
      if (epoch !== this.#epoch) return;
      for (const row of rows) {
        resource.rows.set(row);
        this.#account(resource, rowBytes(row));
      }
      if (this.#bytes > maxBytes) return this.#drop(resource);
    }
    if (epoch !== this.#epoch) return;
    for (const event of resource.pending) this.#put(resource, event);
    resource.pending = [];
    resource.state = "complete";
  }

  #put(resource: Resource, event: LogEvent): void {
    const old = event.change === "deleted" ? resource.rows.delete(event.row.key) : resource.rows.set(event.row);
    this.#account(resource, (event.change === "deleted" ? 0 : rowBytes(event.row)) - (old ? rowBytes(old) : 0));
  }

  #account(resource: Resource, bytes: number): void {
    resource.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The resource not listed for the longest time goes. */
  #makeRoom(): void {
    const complete = [...this.#resources.values()].filter((resource) => resource.state === "complete");
    const oldest = complete.sort((a, b) => a.listedAt - b.listedAt)[0];
    if (oldest) this.#drop(oldest);
  }

  #drop(resource: Resource): void {
    this.#bytes -= resource.bytes;
    resource.state = "cold";
    resource.rows = new SortedRows();
    resource.bytes = 0;
    resource.pending = [];
    resource.retryAt = Date.now() + retryMilliseconds;
  }
}

function remainingOf(
  { rows }: Resource,
  { after, conditions }: { after: ListPosition | undefined; conditions: readonly Condition[] },
  { namespace }: Scope,
): number | undefined {
  return conditions.length > 0 || after !== undefined ? undefined : rows.count(namespace);
}
