/** The client's contract: what every program may ask of an API server. */
import type { Readable } from "node:stream";
import type { KindRef, KubernetesList, KubernetesObject, ObjectMeta, ObjectOf } from "@krate/kinds";

export interface ObjectKey {
  namespace?: string;
  name: string;
}

/** Options every request takes. */
export interface RequestOptions {
  signal?: AbortSignal;
  /** Give up after this long. @defaultValue 60 s; streams have none */
  timeoutSeconds?: number;
}

export interface ListOptions extends RequestOptions {
  /** Absent = all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Page size. `list` sends none by default, `listAll` 500. */
  limit?: number;
  continue?: string;
  /** `0` = whatever the server has cached; absent = the newest. */
  resourceVersion?: string;
  resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface WatchOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Events after this version; absent = the current objects as ADDED first, in no order. */
  resourceVersion?: string;
  /** @defaultValue true */
  allowWatchBookmarks?: boolean;
  /** Streams the current objects first and closes them with a bookmark annotated `k8s.io/initial-events-end` (WatchList). */
  sendInitialEvents?: boolean;
  resourceVersionMatch?: "NotOlderThan";
  /** How long the server should keep the stream open. */
  timeoutSeconds?: number;
  /** Throws `Timeout` when no byte arrived for this long. @defaultValue never */
  silenceSeconds?: number;
  signal?: AbortSignal;
}

export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";

/** One line of a watch. ERROR lines are thrown as `ApiError` instead. */
export interface WatchEvent<T> {
  type: WatchEventType;
  /** For BOOKMARK only `metadata.resourceVersion` (and annotations) are present. */
  object: T;
}

export interface WriteOptions extends RequestOptions {
  /** @defaultValue the client's */
  fieldManager?: string;
  /** Everything but storing. @defaultValue false */
  dryRun?: boolean;
  fieldValidation?: "Strict" | "Warn" | "Ignore";
}

export interface SubresourceOptions {
  /** `status`, `scale`, …: writes there instead of to the object. */
  subresource?: string;
}

export interface PatchOptions extends WriteOptions, SubresourceOptions {
  type: "merge" | "json" | "apply" | "strategic";
  /** Takes over fields of other managers (type apply only). @defaultValue false */
  force?: boolean;
}

export interface ApplyOptions extends WriteOptions, SubresourceOptions {
  fieldManager: string;
  /** Takes over fields of other managers instead of failing with Conflict. @defaultValue false */
  force?: boolean;
}

export interface DeleteOptions extends RequestOptions {
  preconditions?: { uid?: string; resourceVersion?: string };
  propagationPolicy?: "Orphan" | "Background" | "Foreground";
  gracePeriodSeconds?: number;
  dryRun?: boolean;
}

/** An object about to be created: the client fills in `apiVersion` and `kind`. */
export type NewObject<T extends KubernetesObject> = Omit<T, "apiVersion" | "kind" | "metadata"> & {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
};

export type DeepPartial<T> = T extends readonly (infer U)[]
  ? DeepPartial<U>[]
  : T extends object
    ? { [P in keyof T]?: DeepPartial<T[P]> }
    : T;

/** The fields one manager has an opinion on (server-side apply). */
export type ApplyObject<T extends KubernetesObject> = DeepPartial<Omit<T, "apiVersion" | "kind" | "metadata">> & {
  metadata: ObjectMeta & { name: string };
};

export interface RawRequest extends RequestOptions {
  method?: string;
  /** Absolute path with its query already encoded, or use `query`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  /** Objects are sent as JSON. */
  body?: string | Buffer | object;
  /** No default timeout, and connection loss is not hidden by a retry after the head arrived. @defaultValue false */
  stream?: boolean;
}

/** An answer below 400; others are thrown as `ApiError`. Read `body`, or one of the helpers, exactly once. */
export interface RawResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Readable;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/** Whom requests are made as (`Impersonate-*` headers); the client's own identity needs the `impersonate` right. */
export interface Impersonation {
  user: string;
  groups?: readonly string[];
  uid?: string;
  extra?: Record<string, readonly string[]>;
}

/**
 * Typed access to one API server. All failures are `ApiError`: the server's own, `ServiceUnavailable` when it cannot be
 * reached, `Timeout` when it does not answer in time. Aborted requests throw the signal's reason.
 */
export interface KubeClient {
  /** @throws ApiError NotFound */
  get<K extends KindRef>(kind: K, key: ObjectKey, options?: RequestOptions & SubresourceOptions): Promise<ObjectOf<K>>;
  /** Like `get`, but `undefined` instead of NotFound. */
  find<K extends KindRef>(kind: K, key: ObjectKey, options?: RequestOptions): Promise<ObjectOf<K> | undefined>;
  /** One page. Items carry `apiVersion` and `kind` even where the server leaves them out. */
  list<K extends KindRef>(kind: K, options?: ListOptions): Promise<KubernetesList<ObjectOf<K>>>;
  /** All pages, one in memory at a time; an expired continue token is an error (`Expired`). */
  listAll<K extends KindRef>(kind: K, options?: ListOptions): AsyncIterable<ObjectOf<K>>;
  /** `options.subresource` posts to one, e.g. `binding`, `token`, `eviction`. */
  create<K extends KindRef>(
    kind: K,
    object: NewObject<ObjectOf<K>>,
    options?: WriteOptions & SubresourceOptions,
  ): Promise<ObjectOf<K>>;
  /** Replaces the whole object; with `metadata.resourceVersion` only if it is still that one (`Conflict`). */
  replace<K extends KindRef>(
    kind: K,
    object: ObjectOf<K>,
    options?: WriteOptions & SubresourceOptions,
  ): Promise<ObjectOf<K>>;
  patch<K extends KindRef>(kind: K, key: ObjectKey, patch: object, options: PatchOptions): Promise<ObjectOf<K>>;
  /** Server-side apply: creates the object, or sets exactly these fields for `fieldManager`. */
  apply<K extends KindRef>(kind: K, object: ApplyObject<ObjectOf<K>>, options: ApplyOptions): Promise<ObjectOf<K>>;
  /** NotFound is not an error here: the object is gone either way. */
  delete(kind: KindRef, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** Ends when the server closes the stream; throws `Expired` when `resourceVersion` is too old. */
  watch<K extends KindRef>(kind: K, options?: WatchOptions): AsyncIterable<WatchEvent<ObjectOf<K>>>;
  /** Any path: logs, reviews, discovery. */
  raw(request: RawRequest): Promise<RawResponse>;
  /** Same server and connection, other identity. */
  as(identity: Impersonation | { token: string }): KubeClient;
  /** Where requests go, for messages. */
  readonly server: string;
  /** Closes idle connections; requests under way end with an error. */
  close(): Promise<void>;
}
