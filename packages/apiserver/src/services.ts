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

/** Told what happens to requests, as it happens; its numbers stand in `/metrics`. Calls are synchronous and must not throw. */
export interface RequestObserver {
  /** Once per answered request. */
  finished(ctx: RequestContext, seconds: number): void;
  /** Work on a request begins, past authentication and queue; `rested` follows once. */
  working(ctx: RequestContext): void;
  rested(ctx: RequestContext): void;
  /** Once per watch; what it answers is called for each write to the watcher. */
  watchEvents(ctx: RequestContext): (count: number, bytes: number) => void;
  /** `user` when there is one. */
  authenticated(result: "success" | "failure" | "error", user?: string): void;
  authorized(result: "allowed" | "denied" | "error"): void;
  auditLevel(level: string): void;
  audited(): void;
  /** So many audit events were lost. */
  auditFailed(plugin: "log" | "records", count: number): void;
  /** Seats each level is owed, told once. */
  levels(seats: Readonly<Record<string, number>>): void;
  /** Waits for a seat. */
  queued(flow: FlowLabels): void;
  /** Got its seats (0 when it needs none), `waitSeconds` after it asked. */
  seated(flow: FlowLabels, outcome: { seats: number; waitSeconds: number; waited: boolean }): void;
  /** Gave them back: a watch when it has begun, anything else when it is answered. */
  left(flow: FlowLabels, seats: number): void;
  /** Got 429. */
  refused(flow: FlowLabels, outcome: { reason: string; waitSeconds: number; waited: boolean }): void;
}

/** Told how requests went; see `audit/auditor.ts`. Never throws, never makes a request wait. */
export interface Auditor {
  /** A watch or log has begun. */
  started(ctx: RequestContext): void;
  /** Was answered, or refused with `error`. */
  completed(ctx: RequestContext, error: unknown): void;
  /** Resolves when everything told so far is where it belongs. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface FlowLabels {
  readonly priority_level: string;
  readonly flow_schema: string;
}

export const silentObserver: RequestObserver = {
  finished() {},
  working() {},
  rested() {},
  watchEvents: () => () => {},
  authenticated() {},
  authorized() {},
  auditLevel() {},
  audited() {},
  auditFailed() {},
  levels() {},
  queued() {},
  seated() {},
  left() {},
  refused() {},
};

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
  readonly auditor: Auditor;
  readonly limits: Limits;
  /** Aborted when the server ends, while it still answers: open watches end then. */
  readonly ending?: AbortSignal;
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
  /** Seats in `fairness/seats.ts`: a request takes one, a long list up to ten. */
  seats: number;
  /** Requests that wait for a seat; more get 429. */
  maxWaiting: number;
  /** Requests that wait of one user. */
  maxWaitingPerFlow: number;
  /** How long one waits before it gets 429. @defaultValue a quarter of the deadline, as in kube-apiserver */
  maxWaitSeconds: number;
  /** Watches and logs open at a time, administrators' not counted; more get 429. */
  maxLongRunning: number;
  /** Of which one user may have so many. */
  maxLongRunningPerFlow: number;
  /** Requests whose client has sent or taken nothing for two seconds; each may hold a body in memory. More get 429 or are cut off. */
  maxSlowClients: number;
  maxSlowClientsPerFlow: number;
}

export const defaultLimits: Limits = {
  maxBodyBytes: 1.5 * 1024 * 1024,
  requestTimeoutSeconds: 60,
  // One event loop does the work: more requests at once would only share it out more thinly. Writes of one moment are one commit.
  seats: 240,
  maxWaiting: 2000,
  maxWaitingPerFlow: 500,
  maxWaitSeconds: 15,
  maxLongRunning: 20_000,
  maxLongRunningPerFlow: 5000,
  maxSlowClients: 200,
  maxSlowClientsPerFlow: 50,
};
