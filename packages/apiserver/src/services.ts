import type { JsonObject } from "@krate/apimachinery";
import type { Logger } from "@krate/telemetry";
import type { RequestContext, UserInfo } from "./context.ts";
import type { Exchange } from "./http/exchange.ts";
import type { ResourceRegistry } from "./resources/registry.ts";
import type { GroupVersionKind } from "./resources/resource.ts";
import type { Store } from "./storage/store.ts";

/** Tells who sent a request. `undefined`: not my kind of credential, ask the next. @throws Unauthorized for a bad credential */
export type Authenticator = (exchange: Exchange) => UserInfo | undefined | Promise<UserInfo | undefined>;

/** What an authorizer is asked. Source: k8s.io/apiserver/pkg/authorization/authorizer. */
export interface AuthorizationAttributes {
  user: UserInfo;
  verb: string;
  /** A resource, or with `path` a plain URL. */
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  path?: string | undefined;
}

export interface AuthorizationDecision {
  allowed: boolean;
  reason?: string | undefined;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): AuthorizationDecision | Promise<AuthorizationDecision>;
}

/** Reads configuration objects (Repository, Namespace, admission policies…) wherever they live: in our store or in another API server. */
export interface ConfigReader {
  get(kind: ConfigKind, key: { namespace?: string | undefined; name: string }): JsonObject | undefined;
  /** Like `get`, but asks the source when the cache does not have it: for objects made a moment ago. */
  find(kind: ConfigKind, key: { namespace?: string | undefined; name: string }): Promise<JsonObject | undefined>;
  list(kind: ConfigKind, namespace?: string): readonly JsonObject[];
  /** `object` is absent when it was removed. */
  onChange(kind: ConfigKind, listener: (object: JsonObject | undefined, old: JsonObject | undefined) => void): void;
  /** False until every kind was read once. */
  synced(): boolean;
}

export interface ConfigKind extends GroupVersionKind {
  plural: string;
}

/** One admission plugin; changes `ctx.object` (mutate) or throws (both) to refuse. */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(ctx: RequestContext): void | Promise<void>;
  validate?(ctx: RequestContext): void | Promise<void>;
}

/** A path that is not a resource: `/version`, `/livez`, discovery, OpenAPI. */
export interface NonResourceRoute {
  /** Exact path, or with a trailing `/` every path below. */
  path: string;
  handle(ctx: RequestContext): void | Promise<void>;
}

export interface RequestObserver {
  /** Once per answered request. */
  finished(ctx: RequestContext, seconds: number): void;
}

/** Everything the stages need, made once by standalone or aggregated mode. */
export interface Services {
  readonly store: Store;
  readonly registry: ResourceRegistry;
  readonly config: ConfigReader;
  readonly authenticators: readonly Authenticator[];
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  readonly routes: readonly NonResourceRoute[];
  readonly log: Logger;
  readonly observer: RequestObserver;
  readonly limits: Limits;
  /** The resource of a kind, wherever it is served: `paramKind` of policies. */
  resolveKind(apiVersion: string, kind: string): Promise<(ConfigKind & { namespaced: boolean }) | undefined>;
  now(): Date;
  newUid(): string;
  /** In [0, 1). */
  random(): number;
}

export interface Limits {
  /** Largest body. @defaultValue 1.5 MiB, etcd's own limit (API-02) */
  maxBodyBytes: number;
  /** @defaultValue 60 s */
  requestTimeoutSeconds: number;
  /** Reads under way at a time; more wait. */
  maxReads: number;
  maxWrites: number;
  /** Requests that wait, of either kind; more get 429. */
  maxWaiting: number;
}

export const defaultLimits: Limits = {
  maxBodyBytes: 1.5 * 1024 * 1024,
  requestTimeoutSeconds: 60,
  maxReads: 400,
  maxWrites: 200,
  maxWaiting: 2000,
};
