/** A server with one kind, `Widget`, in memory: enough to run every stage, and imported in milliseconds. */
import { compileSchema, type JsonObject, type Schema } from "@krate/apimachinery";
import { createLogger } from "@krate/telemetry";
import { silentAuditor } from "../audit/auditor.ts";
import { RequestContext } from "../context.ts";
import { MemoryExchange, type MemoryRequest } from "../http/memory-exchange.ts";
import { ResourceRegistry } from "../resources/registry.ts";
import { defineResource, type ResourceOptions } from "../resources/resource.ts";
import { type ApiServer, apiServer } from "../server.ts";
import { type AuthorizationAttributes, defaultLimits, type Services, silentObserver } from "../services.ts";
import { createMemoryStore } from "../storage/memory/memory-store.ts";

export const widgetSchema: Schema = {
  type: "object",
  required: ["spec"],
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["color"],
      properties: {
        color: {
          type: "string",
          enum: ["red", "blue"],
          "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "is immutable" }],
        },
        size: { type: "integer", default: 1, minimum: 1 },
      },
    },
    status: { type: "object", properties: { phase: { type: "string" } } },
  },
};

export const widgetPath = "/apis/test.example.com/v1/namespaces/ns/widgets";

export function widget(name: string, spec: JsonObject = { color: "red" }): JsonObject {
  return { apiVersion: "test.example.com/v1", kind: "Widget", metadata: { name, namespace: "ns" }, spec };
}

export interface Answer {
  status: number;
  headers: Record<string, string | readonly string[]>;
  text: string;
  json: JsonObject;
}

export interface Fixture {
  services: Services;
  server: ApiServer;
  lines: Record<string, unknown>[];
  /** Sends a request as `user` (`x-user: name,group,group`). */
  send(request: MemoryRequest & { user?: string }): Promise<Answer>;
  /** A context as it is before the first stage. */
  context(request: MemoryRequest): RequestContext;
}

export interface FixtureOptions {
  resource?: Partial<ResourceOptions>;
  services?: Partial<Services>;
  /** @defaultValue everything is allowed */
  allow?: (attributes: AuthorizationAttributes) => boolean;
}

const seconds = new Date("2026-01-02T03:04:05Z");

export function fixture({ resource = {}, services: overrides = {}, allow = () => true }: FixtureOptions = {}): Fixture {
  const registry = new ResourceRegistry();
  registry.add(
    defineResource({
      group: "test.example.com",
      version: "v1",
      kind: "Widget",
      plural: "widgets",
      shortNames: ["w"],
      schema: compileSchema(widgetSchema),
      openapi: widgetSchema,
      selectableFields: ["spec.color"],
      hasStatus: true,
      countsGeneration: true,
      ...resource,
    }),
  );
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    component: "test",
    level: "debug",
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  let uid = 0;
  const services: Services = {
    store: createMemoryStore(),
    registry,
    config: {
      get: () => undefined,
      find: async () => undefined,
      list: () => [],
      onChange: () => {},
      synced: () => true,
    },
    authenticators: [
      (exchange) => {
        const [name, ...groups] = exchange.header("x-user")?.split(",") ?? [];
        return name === undefined ? undefined : { name, groups };
      },
    ],
    authorizer: { authorize: (attributes) => ({ allowed: allow(attributes) }) },
    admission: [],
    routes: [],
    log,
    observer: silentObserver,
    auditor: { ...silentAuditor },
    limits: defaultLimits,
    resolveKind: async () => undefined,
    now: () => seconds,
    newUid: () => `uid-${++uid}`,
    random: () => 0.5,
    ...overrides,
  };
  const server = apiServer(services);
  return {
    services,
    server,
    lines,
    send: async ({ user = "ada,system:authenticated", ...request }) => {
      const exchange = await server.inject({ ...request, headers: { "x-user": user, ...request.headers } });
      const text = exchange.body.toString("utf8");
      return {
        status: exchange.status,
        headers: exchange.responseHeaders as Answer["headers"],
        text,
        json: parse(text),
      };
    },
    context: (request) => {
      const exchange = new MemoryExchange(request);
      return new RequestContext(
        services,
        exchange,
        exchange.query === "" ? undefined : new URLSearchParams(exchange.query),
      );
    },
  };
}

function parse(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return {};
  }
}
