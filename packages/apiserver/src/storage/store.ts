/**
 * The storage interface of the API server: kine's shape. The request pipeline knows only this file; `memory/` and
 * `postgres/` implement it and `conformance.ts` holds both to the same promises. README.md says what is promised.
 *
 * Objects travel as bytes. A caller hands over the JSON cut where `metadata.resourceVersion` stands (`EncodedObject`); the
 * store splices the revision in and keeps the bytes exactly as they are served from then on.
 */

/** Names one object. `namespace` is `""` for cluster-scoped resources; `resource` is the plural, `group` is `""` for core. */
export interface ObjectKey {
  group: string;
  resource: string;
  namespace: string;
  name: string;
}

/** One object as it is served. Never mutate `bytes`: watchers, caches and responses share it. */
export interface StoredObject {
  key: ObjectKey;
  /** The object's resourceVersion: the revision of its last write (for a DELETED event, of the deletion). */
  revision: bigint;
  /** UTF-8 JSON, `metadata.resourceVersion` included. */
  bytes: Buffer;
  /** Byte offset in `bytes` of the first digit of the resourceVersion. */
  revisionOffset: number;
}

/** An object about to be written: `head + revision + tail` is the JSON served later. Made by `encodeObject`. */
export interface EncodedObject {
  head: string;
  tail: string;
  /** `metadata.labels`, for label selectors. */
  labels: Readonly<Record<string, string>>;
  /** Values of the kind's selectable fields by path (`spec.repository`); `metadata.name` and `.namespace` come by themselves. */
  fields: Readonly<Record<string, string>>;
}

export interface LabelRequirement {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "GreaterThan" | "LessThan";
  values: readonly string[];
}

export interface FieldRequirement {
  field: string;
  operator: "Equals" | "NotEquals";
  value: string;
}

/** All requirements must hold. As in Kubernetes, `NotIn` and `NotEquals` also match objects that lack the key or field. */
export interface Selector {
  labels?: readonly LabelRequirement[];
  fields?: readonly FieldRequirement[];
}

/** What a list or watch looks at. Without `namespace` it spans all namespaces. */
export interface Scope {
  group: string;
  resource: string;
  namespace?: string | undefined;
  selector?: Selector | undefined;
}

export interface ListOptions extends Scope {
  /** Objects per page. @defaultValue no limit */
  limit?: number | undefined;
  /** Token of the previous page; carries that list's revision and position, and must come with the same scope. */
  continue?: string | undefined;
  /** `undefined` or `""`: the newest state. `"0"`: any state (answered with the newest). Otherwise see `resourceVersionMatch`. */
  resourceVersion?: string | undefined;
  /** @defaultValue NotOlderThan when `resourceVersion` is set */
  resourceVersionMatch?: "Exact" | "NotOlderThan" | undefined;
}

export interface ListPage {
  /** In order of namespace, then name. */
  items: readonly StoredObject[];
  /** `metadata.resourceVersion` of the list: every item is the state at this revision, on every page of one list. */
  revision: bigint;
  /** Token of the next page; absent on the last. */
  continue?: string;
  /** How many follow this page. Absent with a selector, on the last page, and when not known. */
  remainingItemCount?: number;
}

/** A list that is read while it is written out. Iterate it once, as `chunks` or as `json()`. */
export interface ListStream {
  revision: bigint;
  /** Items in order, at most some hundred kilobytes at a time. */
  chunks: AsyncIterable<readonly StoredObject[]>;
  /**
   * The items as they are served, each with a comma before it, in few large buffers: their text without its first byte is the
   * inside of the list. From memory no byte is copied; never mutate.
   */
  json(): AsyncIterable<readonly Buffer[]>;
  /** Known only once the iteration has ended. */
  end(): Pick<ListPage, "continue" | "remainingItemCount">;
}

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";

/**
 * One change, as this watcher sees it: with a selector an object that starts to match is ADDED, one that stops matching is
 * DELETED (its last matching state, with the revision of the change).
 */
export interface ObjectEvent {
  type: WatchEventType;
  revision: bigint;
  object: StoredObject;
}

/** Everything up to `revision` has been delivered. `initialEventsEnd` ends the `sendInitialEvents` part. */
export interface BookmarkEvent {
  type: "BOOKMARK";
  revision: bigint;
  initialEventsEnd?: true;
}

export type WatchEvent = ObjectEvent | BookmarkEvent;

export interface WatchOptions extends Scope {
  /** Events after this revision. `undefined` or `0n`: first the current state as ADDED, then what follows. */
  fromRevision?: bigint | undefined;
  /** Send BOOKMARKs from time to time. @defaultValue false */
  bookmarks?: boolean | undefined;
  /** Current state as ADDED, then a BOOKMARK with `initialEventsEnd`, then what follows, whatever `fromRevision` says. */
  sendInitialEvents?: boolean | undefined;
  /** Ends the watch; iteration then finishes without an error. */
  signal?: AbortSignal | undefined;
}

/**
 * Events in revision order, each once, none left out. A watcher holds a position, not a buffer: one that reads slowly costs
 * no memory, it reads from the log what the shared window has dropped, and gets Expired only when compaction overtakes it.
 * Read it once, one way or the other; leaving the loop ends the watch.
 */
export interface Watch extends AsyncIterable<WatchEvent> {
  /**
   * The same events, as many at a time as are ready, given as they come: for thousands of watchers of one write. Resolves at
   * the end that `signal` asks for. @throws Expired
   */
  forEach(take: TakeEvents): Promise<void>;
}

/** Nothing more comes before the promise is settled. Called while a write is published: it must be quick. */
export type TakeEvents = (events: readonly WatchEvent[]) => void | Promise<void>;

/** What `update` shall do with the current object. */
export type Change =
  | { do: "replace"; object: EncodedObject }
  /** Nothing differs: no write, no event, the revision stays. */
  | { do: "keep" }
  /** The last finalizer went away: remove the object in the same step. */
  | { do: "remove" };

export interface UpdateOptions {
  /** The resourceVersion the caller saw. With it, a different current revision is a Conflict; without it the change is tried again. */
  expectedRevision?: bigint | undefined;
}

export interface DeleteOptions {
  /** `preconditions.resourceVersion`. */
  expectedRevision?: bigint | undefined;
  /** Looks at the object about to go (uid, finalizers) and throws to refuse. Runs again when the object changed meanwhile. */
  check?: ((current: StoredObject) => void) | undefined;
}

export interface UpdateResult {
  object: StoredObject;
  outcome: "replaced" | "kept" | "removed";
}

/**
 * Errors are `ApiError`s: AlreadyExists, NotFound, Conflict, Expired (410), BadRequest (a broken continue token),
 * Timeout (a resourceVersion from the future, or a write whose outcome is unknown), ServiceUnavailable (no database).
 */
export interface Store extends ObjectStore, CounterStore, BlobStore {
  /** Ready when the store answers; what /readyz asks. Throws ServiceUnavailable with the reason. */
  ready(): Promise<void>;
  /** Ends watches, finishes writes under way, gives connections back. */
  close(): Promise<void>;
}

export interface ObjectStore {
  create(key: ObjectKey, object: EncodedObject): Promise<StoredObject>;
  get(key: ObjectKey): Promise<StoredObject | undefined>;
  list(options: ListOptions): Promise<ListPage>;
  /** For big lists: constant memory. */
  listStream(options: ListOptions): Promise<ListStream>;
  /** NotFound when there is none. `change` may run several times and must not have effects. */
  update(
    key: ObjectKey,
    options: UpdateOptions,
    change: (current: StoredObject) => Change | Promise<Change>,
  ): Promise<UpdateResult>;
  /** The object's last state, with the revision of the deletion. */
  delete(key: ObjectKey, options?: DeleteOptions): Promise<StoredObject>;
  watch(options: WatchOptions): Watch;
  /** Objects whose last write is older than a time, in key order, without their bytes: for retention. */
  unchangedSince(scope: Omit<Scope, "selector">, time: Date, limit: number): Promise<ObjectKey[]>;
  /** The newest committed revision, on whichever replica it was written. */
  currentRevision(): Promise<bigint>;
  /** Forgets history up to and including `revision`: older watches and continue tokens get Expired. Current objects stay. */
  compact(revision: bigint): Promise<void>;
}

export interface CounterStore {
  /**
   * The next number of a scope (`pullrequests/<namespace>/<repository>`), from 1. Never the same for two objects that are
   * stored, on no replica; a number whose object was then refused stays unused. Durable with whatever is written after it:
   * only when a crash of the database took everything since may it come again. With `count` the first of so many that
   * follow each other.
   */
  nextNumber(scope: string, count?: number): Promise<number>;
}

export interface BlobStat {
  sizeBytes: number;
}

/** Bytes that belong to an object but are not part of it: job logs. `scope` is a free path (`jobs/<namespace>/<uid>/log`). */
export interface BlobStore {
  /** Replaces the blob. RequestEntityTooLarge above `maxBlobBytes`. */
  putBlob(scope: string, bytes: Buffer): Promise<BlobStat>;
  /** Adds to its end; creates it when absent. With `offset`, Conflict when the blob's size differs (a repeated append). */
  appendBlob(scope: string, bytes: Buffer, options?: { offset?: number }): Promise<BlobStat>;
  statBlob(scope: string): Promise<BlobStat | undefined>;
  /** NotFound when absent. @defaultValue from 0 to the end */
  readBlob(scope: string, range?: { offset?: number; limitBytes?: number }): AsyncIterable<Buffer>;
  deleteBlob(scope: string): Promise<void>;
}
