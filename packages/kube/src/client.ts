/** The typed client: verbs over `requests.ts`. Start reading at `kubeClient`. */
import { PassThrough, pipeline } from "node:stream";
import {
  apiVersionOf,
  badRequest,
  isReason,
  type KindRef,
  type KubernetesList,
  type KubernetesObject,
  type ObjectOf,
} from "@krate/kinds";
import { type Credentials, credentialsOf } from "./credentials.ts";
import type { KubeConfig } from "./kube-config.ts";
import { pathOf, queryOf } from "./paths.ts";
import { type AnsweredRequest, readBytes, type Sender, sender } from "./requests.ts";
import { type Transport, type TransportResponse, transportOf } from "./transport/index.ts";
import type {
  Impersonation,
  KubeClient,
  ListOptions,
  ObjectKey,
  RawRequest,
  RawResponse,
  RequestOptions,
  WatchOptions,
  WriteOptions,
} from "./types.ts";
import { watchEvents } from "./watch-stream.ts";

export interface KubeClientOptions {
  /** Sent as User-Agent; name the program. @defaultValue `krate` */
  userAgent?: string;
  /** Field manager of writes that name none. @defaultValue the user agent's first word */
  fieldManager?: string;
  impersonate?: Impersonation;
  /** Used instead of the config's credentials. */
  token?: string;
  /** Told of every answer and of every attempt without one; for metrics. Must not throw. */
  onAnswer?: (answer: AnsweredRequest) => void;
}

const defaultTimeoutSeconds = 60;
const defaultPageSize = 500;

const patchTypes = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

interface Connection {
  transport: Transport;
  credentials: Credentials;
}

/** Clients of one config share its connection. */
const connections = new WeakMap<KubeConfig, Connection>();

function connectionOf(config: KubeConfig): Connection {
  let connection = connections.get(config);
  if (!connection) {
    const credentials = credentialsOf(config);
    connection = { credentials, transport: transportOf(config, credentials) };
    connections.set(config, connection);
  }
  return connection;
}

export function kubeClient(config: KubeConfig, options: KubeClientOptions = {}): KubeClient {
  const { transport, credentials } = connectionOf(config);
  const userAgent = options.userAgent ?? "krate";
  const basePath = new URL(config.server).pathname.replace(/\/$/, "");
  const { send }: Sender = sender(config.server, transport, credentials, options);
  const baseHeaders: Record<string, string | string[]> = {
    accept: "application/json",
    "user-agent": userAgent,
    ...impersonationHeaders(options.impersonate ?? config.auth.impersonate),
  };
  const defaultManager = options.fieldManager ?? (userAgent.split(/[ /]/)[0] as string);

  const call = (
    method: string,
    path: string,
    input: RequestOptions & { body?: unknown; contentType?: string } = {},
  ): Promise<TransportResponse> =>
    send({
      method,
      path: basePath + path,
      headers:
        input.body === undefined
          ? baseHeaders
          : { ...baseHeaders, "content-type": input.contentType ?? "application/json" },
      ...(input.body !== undefined && { body: Buffer.from(JSON.stringify(input.body)) }),
      ...(input.signal && { signal: input.signal }),
      timeoutSeconds: input.timeoutSeconds ?? defaultTimeoutSeconds,
    });

  const json = async <T>(response: Promise<TransportResponse>): Promise<T> =>
    JSON.parse((await readBytes(await response)).toString("utf8")) as T;

  const writeQuery = (write: WriteOptions = {}) => ({
    fieldManager: write.fieldManager ?? defaultManager,
    ...(write.dryRun && { dryRun: "All" }),
    ...(write.fieldValidation && { fieldValidation: write.fieldValidation }),
  });

  const client: KubeClient = {
    server: config.server,

    get: (kind, key, request) =>
      json(call("GET", pathOf(kind, { ...key, subresource: request?.subresource }), request)),

    async find(kind, key, request) {
      try {
        return await client.get(kind, key, request);
      } catch (error) {
        if (isReason(error, "NotFound")) return undefined;
        throw error;
      }
    },

    list: async (kind, list = {}) =>
      completed(kind, await json(call("GET", pathOf(kind, list) + queryOf(listQuery(list)), list))),

    async *listAll(kind, list = {}) {
      let next: string | undefined = list.continue;
      do {
        const page: KubernetesList<ObjectOf<typeof kind>> = await client.list(kind, {
          limit: defaultPageSize,
          ...list,
          ...(next && { continue: next }),
        });
        yield* page.items;
        next = page.metadata.continue;
      } while (next);
    },

    create: (kind, object, write) => {
      const { namespace, name } = object.metadata;
      const target = write?.subresource
        ? { namespace, name, subresource: write.subresource }
        : { namespace: requireNamespace(kind, namespace) };
      return json(
        call("POST", pathOf(kind, target) + queryOf(writeQuery(write)), { ...write, body: typed(kind, object) }),
      );
    },

    replace: (kind, object, write) => {
      const path = pathOf(kind, { ...keyOf(object), subresource: write?.subresource });
      return json(call("PUT", path + queryOf(writeQuery(write)), { ...write, body: typed(kind, object) }));
    },

    patch: (kind, key, patch, { type, force, subresource, ...write }) => {
      const query = { ...writeQuery(write), ...(type === "apply" && { force: force ?? false }) };
      const path = pathOf(kind, { ...key, subresource }) + queryOf(query);
      return json(call("PATCH", path, { ...write, body: patch, contentType: patchTypes[type] }));
    },

    apply: (kind, object, apply) => client.patch(kind, keyOf(object), typed(kind, object), { ...apply, type: "apply" }),

    async delete(kind, key, remove = {}) {
      const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun } = remove;
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        ...(preconditions && { preconditions }),
        ...(propagationPolicy && { propagationPolicy }),
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
        ...(dryRun && { dryRun: ["All"] }),
      };
      try {
        await readBytes(await call("DELETE", pathOf(kind, key), { ...remove, body }));
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    },

    async *watch(kind, watch = {}) {
      const path = pathOf(kind, { namespace: watch.namespace }) + queryOf(watchQuery(watch));
      const headers = baseHeaders;
      const response = await send({
        method: "GET",
        path: basePath + path,
        headers,
        ...(watch.signal && { signal: watch.signal }),
        ...(watch.silenceSeconds !== undefined && { timeoutSeconds: watch.silenceSeconds }),
        stream: true,
      });
      yield* watchEvents(response.body, watch);
    },

    raw: (request) => sendRaw(send, basePath, baseHeaders, request),

    as: (identity) =>
      kubeClient(config, {
        ...options,
        ...("token" in identity ? { token: identity.token } : { impersonate: identity }),
      }),

    close: () => transport.close(),
  };
  return client;
}

async function sendRaw(
  send: Sender["send"],
  basePath: string,
  baseHeaders: Record<string, string | string[]>,
  request: RawRequest,
): Promise<RawResponse> {
  const { body } = request;
  const isText = typeof body === "string" || Buffer.isBuffer(body);
  const bytes = body === undefined ? undefined : isText ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  const timeoutSeconds = request.timeoutSeconds ?? (request.stream ? undefined : defaultTimeoutSeconds);
  const response = await send({
    method: request.method ?? "GET",
    path: basePath + request.path + queryOf(request.query ?? {}),
    headers: { ...baseHeaders, ...(bytes && { "content-type": "application/json" }), ...request.headers },
    ...(bytes && { body: bytes }),
    ...(request.signal && { signal: request.signal }),
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(request.stream && { stream: true }),
  });
  const streamed = request.stream ? pipeline(response.body, new PassThrough(), () => undefined) : response.body;
  const text = async () => (await readBytes({ ...response, body: streamed })).toString("utf8");
  return { ...response, body: streamed, text, json: async () => JSON.parse(await text()) as unknown };
}

function impersonationHeaders(identity: Impersonation | undefined): Record<string, string | string[]> {
  if (!identity) return {};
  const headers: Record<string, string | string[]> = { "impersonate-user": identity.user };
  if (identity.groups?.length) headers["impersonate-group"] = [...identity.groups];
  if (identity.uid) headers["impersonate-uid"] = identity.uid;
  for (const [key, values] of Object.entries(identity.extra ?? {}))
    headers[`impersonate-extra-${encodeURIComponent(key).toLowerCase()}`] = [...values];
  return headers;
}

function listQuery(options: ListOptions) {
  const { labelSelector, fieldSelector, limit, resourceVersion, resourceVersionMatch } = options;
  return { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion, resourceVersionMatch };
}

function watchQuery(options: WatchOptions) {
  const { labelSelector, fieldSelector, resourceVersion, sendInitialEvents, timeoutSeconds } = options;
  return {
    watch: true,
    allowWatchBookmarks: options.allowWatchBookmarks ?? true,
    labelSelector,
    fieldSelector,
    resourceVersion,
    timeoutSeconds,
    ...(sendInitialEvents && {
      sendInitialEvents,
      resourceVersionMatch: options.resourceVersionMatch ?? "NotOlderThan",
    }),
  };
}

/** A list's items carry no type on the wire (core kinds); a reader should not have to know. */
function completed<K extends KindRef>(kind: K, list: KubernetesList<ObjectOf<K>>): KubernetesList<ObjectOf<K>> {
  const items = (list.items ?? []) as (ObjectOf<K> & KubernetesObject)[];
  for (const item of items) {
    item.apiVersion ??= apiVersionOf(kind);
    item.kind ??= kind.kind;
  }
  return { ...list, metadata: list.metadata ?? {}, items };
}

function typed(kind: KindRef, object: object): object {
  return { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind };
}

/** Where an object is. @throws ApiError BadRequest without a name */
export function keyOf(object: { metadata?: { namespace?: string; name?: string } }): ObjectKey {
  const { name, namespace } = object.metadata ?? {};
  if (!name) throw badRequest("metadata.name is required");
  return { name, ...(namespace && { namespace }) };
}

function requireNamespace(kind: KindRef, namespace: string | undefined): string | undefined {
  if (kind.scope === "Namespaced" && !namespace)
    throw badRequest(`metadata.namespace is required to create a ${kind.kind}`);
  return namespace;
}
