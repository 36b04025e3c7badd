import { createHash } from "node:crypto";
import type { JsonObject } from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import type { ResourceRegistry } from "../resources/registry.ts";
import type { NonResourceRoute } from "../services.ts";
import { pageNotFound } from "../stages/route.ts";
import { apiGroupDocument, apiGroupList, apiResourceList, apiVersions, groupDiscoveryList } from "./documents.ts";

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const ok = 200;
const notModified = 304;

/** `/api`, `/apis` and everything below that is not a resource. Documents are kept until the registry changes. */
export function discoveryRoutes(registry: ResourceRegistry, serverAddress: () => string): NonResourceRoute[] {
  const cache = new DocumentCache(registry);
  return [
    {
      path: "/api",
      handle: (ctx) =>
        cache.answer(ctx, wantsAggregated(ctx) ? "api+" : "api", () =>
          wantsAggregated(ctx) ? groupDiscoveryList(registry.all(), true) : apiVersions(serverAddress()),
        ),
    },
    {
      path: "/apis",
      handle: (ctx) =>
        cache.answer(ctx, wantsAggregated(ctx) ? "apis+" : "apis", () =>
          wantsAggregated(ctx) ? groupDiscoveryList(registry.all(), false) : apiGroupList(registry.all()),
        ),
    },
    { path: "/api/", handle: (ctx) => versionDocument(ctx, cache, registry) },
    { path: "/apis/", handle: (ctx) => versionDocument(ctx, cache, registry) },
  ];
}

function versionDocument(ctx: RequestContext, cache: DocumentCache, registry: ResourceRegistry): void {
  const parts = ctx.info.path.split("/").filter((part) => part !== "");
  cache.answer(ctx, ctx.info.path, () => {
    if (parts[0] === "api")
      return parts.length === 2 ? apiResourceList(registry.all(), "", parts[1] as string) : undefined;
    if (parts.length === 2) return apiGroupDocument(registry.all(), parts[1] as string);
    return parts.length === 3 ? apiResourceList(registry.all(), parts[1] as string, parts[2] as string) : undefined;
  });
}

/** kubectl names v2, v2beta1 and the plain form in this order; we serve v2 and plain. */
function wantsAggregated(ctx: RequestContext): boolean {
  const accept = ctx.exchange.header("accept");
  return accept?.includes("as=APIGroupDiscoveryList") === true && /;\s*v=v2(?:[;,]|$)/.test(accept);
}

interface CachedDocument {
  body: Buffer;
  etag: string;
}

class DocumentCache {
  readonly #registry: ResourceRegistry;
  #generation = -1;
  #documents = new Map<string, CachedDocument | undefined>();

  constructor(registry: ResourceRegistry) {
    this.#registry = registry;
  }

  answer(ctx: RequestContext, key: string, make: () => JsonObject | undefined): void {
    const document = this.#get(key, make);
    if (document === undefined) {
      ctx.response = pageNotFound;
      return;
    }
    const aggregated = key.endsWith("+");
    const contentType = aggregated ? aggregatedType : "application/json";
    const headers = { etag: document.etag, vary: "Accept" };
    const fresh = ctx.exchange.header("if-none-match") === document.etag;
    ctx.response = fresh
      ? { kind: "bytes", status: notModified, contentType, body: Buffer.alloc(0), headers }
      : { kind: "bytes", status: ok, contentType, body: document.body, headers };
  }

  #get(key: string, make: () => JsonObject | undefined): CachedDocument | undefined {
    if (this.#generation !== this.#registry.generation) {
      this.#documents = new Map();
      this.#generation = this.#registry.generation;
    }
    const known = this.#documents.get(key);
    if (known !== undefined) return known;
    const value = make();
    if (value === undefined) return undefined;
    const body = Buffer.from(JSON.stringify(value));
    const made = { body, etag: `"${createHash("sha256").update(body).digest("hex").toUpperCase()}"` };
    this.#documents.set(key, made);
    return made;
  }
}
