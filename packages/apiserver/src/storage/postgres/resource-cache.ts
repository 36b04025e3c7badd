import type { Log } from "@krate/postgres";
import { resourceOf } from "../event-window.ts";
import type { KeptRows, ListPosition } from "../list.ts";
import type { LogEvent } from "../log-event.ts";
import { compareKeys, type StoredRow } from "../row.ts";
import type { ObjectKey, Scope } from "../store.ts";
import type { Condition } from "../tags.ts";
import { rowBytes } from "./object-cache.ts";
import { namedKey, type Selected, selectByIndex, selectInOrder } from "./selecting.ts";
import { SortedRows } from "./sorted-rows.ts";
import { TagIndex } from "./tag-index.ts";

export interface ResourceCacheOptions {
  /** For all resources together; 0 turns the cache off. */
  maxBytes: number;
  /** The newest revision this replica has seen; every event up to it went through `apply`. */
  tail: () => bigint;
  /** The rows of a resource at a revision, in order, some at a time. The cache takes possession of them. */
  load: (scope: Scope, revision: bigint) => AsyncIterable<readonly StoredRow[]>;
  now: () => number;
  log: Log;
}

/** A resource is loaded when it is listed again within this time: an informer lists once and watches from then on. */
const listedAgainMilliseconds = 60_000;
/** After it could not be loaded. */
const retryMilliseconds = 60_000;
/** Up to this many rows a selector is tried on each (0.1 µs a row); for more there is an index. */
const maxRowsWithoutIndex = 1_000;
const roomAfterwards = 0.95;

interface Resource {
  state: "cold" | "loading" | "loaded";
  rows: SortedRows;
  /** All objects with keys up to this one are in `rows`; `undefined`: none. */
  bound: ListPosition | undefined;
  /** All objects there are, are in `rows`. */
  complete: boolean;
  bytes: number;
  /** Rows when it was loaded: a bounded resource that lost half of them is loaded anew. */
  loadedRows: number;
  /** Made for the first selector that can use it. */
  index: TagIndex | undefined;
  /** The revision of its newest event. */
  changed: bigint;
  /** The newest event of each object behind the bound, while it is being loaded. */
  pending: Map<string, LogEvent>;
  listedAt: number;
  retryAt: number;
  /** Settles when loading has ended, well or not. */
  loading: Promise<void> | undefined;
}

export interface PageRequest {
  /** Only the state at this revision will do. */
  exactly: bigint | undefined;
  after: ListPosition | undefined;
  limit: number;
  conditions: readonly Condition[];
}

export interface RememberedList {
  /** The state the rows are of. */
  revision: bigint;
  rows: KeptRows;
  /** Whether rows follow. */
  more: boolean;
  /** How many rows the scope has, conditions aside; known while all are here. */
  total: number | undefined;
}

/**
 * Resources in memory, in key order, kept up by the log: lists and gets without the database. A resource that is too large
 * is held from its first key up to a bound, so that its first pages cost the same as those of a small one.
 *
 * States of a resource: cold → (listed twice) → loading → loaded → (log lost, or half of its rows gone) → cold. While it is
 * loading, the rows of one revision are read in order, and the events after it are applied to what is there or kept for what
 * comes; so what has been read answers at once, and the bound moves on.
 */
export class ResourceCache {
  readonly #options: ResourceCacheOptions;
  readonly #resources = new Map<string, Resource>();
  #bytes = 0;
  #epoch = 0;

  constructor(options: ResourceCacheOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when the object is this cache's business, and the event is in it. */
  apply(event: LogEvent): boolean {
    const { key } = event.row;
    const resource = this.#resources.get(resourceOf(key));
    if (!resource) return false;
    resource.changed = event.revision;
    if (!covers(resource, key)) {
      if (resource.state === "loading") resource.pending.set(`${key.namespace}/${key.name}`, event);
      return false;
    }
    this.#put(resource, event);
    this.#makeRoom();
    return covers(resource, key);
  }

  /** `known` false: ask somebody else. */
  get(key: ObjectKey): { known: boolean; row?: StoredRow | undefined } {
    const resource = this.#resources.get(resourceOf(key));
    if (!resource || !covers(resource, key)) return { known: false };
    return { known: true, row: resource.rows.get(key) };
  }

  /** A page, if all of it can be had from memory: at the newest revision seen, or at `exactly` while nothing has changed since. */
  list(scope: Scope, page: PageRequest): RememberedList | undefined {
    const resource = this.#resources.get(resourceOf(scope)) ?? this.#cold(scope);
    if (resource.state === "cold") {
      if (page.after === undefined) this.#listed(scope, resource);
      return undefined;
    }
    resource.listedAt = this.#options.now();
    const { exactly } = page;
    if (exactly !== undefined && exactly < resource.changed) return undefined;
    const found = pageOf(resource, scope.namespace, page);
    const total = resource.complete ? resource.rows.count(scope.namespace) : undefined;
    return found && { ...found, total, revision: exactly ?? this.#options.tail() };
  }

  /** While the resource is being loaded: settles when that has ended. Waiting costs less than reading the same rows beside it. */
  loading(scope: Scope): Promise<void> | undefined {
    return this.#resources.get(resourceOf(scope))?.loading;
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
      bound: undefined,
      complete: false,
      bytes: 0,
      loadedRows: 0,
      index: undefined,
      changed: this.#options.tail(),
      pending: new Map(),
      listedAt: Number.NEGATIVE_INFINITY,
      retryAt: Number.NEGATIVE_INFINITY,
      loading: undefined,
    };
    this.#resources.set(resourceOf(scope), resource);
    return resource;
  }

  #listed(scope: Scope, resource: Resource): void {
    const now = this.#options.now();
    const again = now - resource.listedAt < listedAgainMilliseconds;
    resource.listedAt = now;
    if (!again || resource.loading || now < resource.retryAt || this.#options.maxBytes === 0) return;
    resource.state = "loading";
    const { log } = this.#options;
    resource.loading = this.#load({ group: scope.group, resource: scope.resource }, resource)
      .catch((error: unknown) => {
        this.#drop(resource);
        resource.retryAt = this.#options.now() + retryMilliseconds;
        log.debug({ err: error, resource: resourceOf(scope) }, "could not load a resource into memory");
      })
      .finally(() => {
        resource.loading = undefined;
      });
  }

  async #load(scope: Scope, resource: Resource): Promise<void> {
    const epoch = this.#epoch;
    const { load, tail } = this.#options;
    const { rows: loaded } = resource;
    for await (const rows of load(scope, tail())) {
      if (epoch !== this.#epoch) return;
      if (resource.state !== "loading" || resource.rows !== loaded) return; // there was no room for more
      for (const row of rows) {
        loaded.set(row);
        resource.index?.add(row);
        this.#account(resource, rowBytes(row));
      }
      loaded.pack();
      resource.bound = rows.at(-1)?.key ?? resource.bound;
      this.#catchUp(resource);
      this.#makeRoom();
    }
    if (epoch !== this.#epoch || resource.state !== "loading" || resource.rows !== loaded) return;
    resource.complete = true;
    this.#catchUp(resource);
    resource.loadedRows = resource.rows.size;
    resource.state = "loaded";
  }

  /** Applies the events that waited for the bound to reach them. */
  #catchUp(resource: Resource): void {
    for (const [name, event] of resource.pending) {
      if (!covers(resource, event.row.key)) continue;
      resource.pending.delete(name);
      this.#put(resource, event);
    }
  }

  #put(resource: Resource, event: LogEvent): void {
    const deleted = event.change === "deleted";
    const row = { ...event.row }; // the cache moves the bytes of its rows about; those of an event stay where they are
    const old = deleted ? resource.rows.delete(row.key) : resource.rows.set(row);
    if (old) resource.index?.remove(old);
    if (!deleted) resource.index?.add(row);
    this.#account(resource, (deleted ? 0 : rowBytes(row)) - (old ? rowBytes(old) : 0));
    const { state, complete, rows, loadedRows } = resource;
    if (state === "loaded" && !complete && rows.size * 2 < loadedRows) this.#drop(resource);
  }

  #account(resource: Resource, bytes: number): void {
    resource.bytes += bytes;
    this.#bytes += bytes;
  }

  /** The largest resource gives up its last rows, somewhat more than needed so that this is rare; its loading ends there. */
  #makeRoom(): void {
    const { maxBytes } = this.#options;
    while (this.#bytes > maxBytes) {
      const largest = [...this.#resources.values()].reduce((a, b) => (b.bytes > a.bytes ? b : a));
      const target = largest.bytes - (this.#bytes - maxBytes * roomAfterwards);
      while (largest.bytes > target) {
        const row = largest.rows.pop();
        if (!row) break;
        largest.index?.remove(row);
        this.#account(largest, -rowBytes(row));
      }
      largest.state = "loaded";
      largest.complete = false;
      largest.pending.clear();
      largest.bound = largest.rows.last?.key;
      largest.loadedRows = largest.rows.size;
      if (!largest.bound) this.#drop(largest);
    }
  }

  #drop(resource: Resource): void {
    this.#bytes -= resource.bytes;
    resource.state = "cold";
    resource.rows = new SortedRows();
    resource.bound = undefined;
    resource.complete = false;
    resource.bytes = 0;
    resource.index = undefined;
    resource.pending.clear();
  }
}

function covers({ bound, complete }: Resource, key: ListPosition): boolean {
  return complete || (bound !== undefined && compareKeys(key, bound) <= 0);
}

/** `undefined` when the page reaches past the bound. */
function pageOf(resource: Resource, namespace: string | undefined, page: PageRequest): Selected | undefined {
  const { rows, bound, complete } = resource;
  const selection = { namespace, ...page };
  const indexed = page.conditions.length > 0 && rows.size > maxRowsWithoutIndex;
  const index = (): TagIndex => {
    resource.index ??= new TagIndex(rows.after(undefined, undefined));
    return resource.index;
  };
  const found = (indexed && selectByIndex(rows, index, selection)) || selectInOrder(rows, selection);
  const only = namedKey(selection);
  if (only && !complete) return covers(resource, only) ? found : undefined;
  const endsInside = complete || (bound !== undefined && namespace !== undefined && bound.namespace > namespace);
  return found.more || endsInside ? found : undefined;
}
