import {
  type JsonObject,
  type OpenApiResource,
  openApiHash,
  openApiV2,
  openApiV3,
  openApiV3Index,
  openApiV3Path,
} from "@krate/apimachinery";
import { ApiError } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { coreDefinitions } from "../core/schemas.ts";
import { kubernetesVersion } from "../health/routes.ts";
import type { ResourceRegistry } from "../resources/registry.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { NonResourceRoute } from "../services.ts";
import { unknownPath } from "../stages/route.ts";

const options = { definitions: coreDefinitions, version: kubernetesVersion.gitVersion };
const ok = 200;
const forever = "public, max-age=31536000, immutable";

/** `/openapi/v3` (index and one document per group-version) and `/openapi/v2`. Documents are made when first asked for. */
export function openApiRoutes(registry: ResourceRegistry): NonResourceRoute[] {
  const documents = new OpenApiDocuments(registry);
  return [
    { path: "/openapi/v3", handle: (ctx) => json(ctx, Buffer.from(JSON.stringify(documents.index()))) },
    { path: "/openapi/v3/", handle: (ctx) => answerVersion(ctx, documents) },
    { path: "/openapi/v2", handle: (ctx) => answerV2(ctx, documents) },
  ];
}

function json(ctx: RequestContext, body: Buffer, headers: Record<string, string> = {}): void {
  ctx.response = { kind: "bytes", status: ok, contentType: "application/json", body, headers };
}

function answerVersion(ctx: RequestContext, documents: OpenApiDocuments): void {
  const document = documents.find(ctx.info.path.slice("/openapi/v3/".length));
  if (document === undefined) throw unknownPath();
  const fixed = ctx.params.get("hash") === document.hash;
  json(ctx, document.body, { etag: `"${document.hash}"`, ...(fixed && { "cache-control": forever }) });
}

const protobufV2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/** How kube-apiserver labels the answer: Go does not parse a media type with "@". */
const protobufV2Answer = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** `openapi.v2.Document{swagger: "2.0"}`. */
const emptyProtobufV2 = Buffer.from("\n\u00032.0");

/**
 * kubectl asks for v2 as protobuf only when v3 has no such kind to write; that v2 has none either lets it go on to say
 * "no matches for kind". So the protobuf document names no kinds.
 */
function answerV2(ctx: RequestContext, documents: OpenApiDocuments): void {
  const accept = ctx.exchange.header("accept") ?? "*/*";
  if (accept.includes(protobufV2) && !accept.includes("application/json")) {
    ctx.response = { kind: "bytes", status: ok, contentType: protobufV2Answer, body: emptyProtobufV2 };
    return;
  }
  if (!/application\/json|\*\/\*|application\/\*/.test(accept)) {
    throw new ApiError("NotAcceptable", "only the following media types are accepted: application/json");
  }
  json(ctx, documents.v2());
}

interface OpenApiDocument {
  resources: readonly ServedResource[];
  body: Buffer;
  hash: string;
}

class OpenApiDocuments {
  readonly #registry: ResourceRegistry;
  readonly #documents = new Map<string, OpenApiDocument>();
  #v2: { generation: number; body: Buffer } | undefined;

  constructor(registry: ResourceRegistry) {
    this.#registry = registry;
  }

  index(): JsonObject {
    return openApiV3Index([...this.#paths().keys()].map((path) => [path, this.#document(path)?.hash ?? ""] as const));
  }

  find(path: string): OpenApiDocument | undefined {
    return this.#document(path);
  }

  v2(): Buffer {
    const { generation } = this.#registry;
    if (this.#v2?.generation !== generation) {
      const document = openApiV2(this.#registry.all().map(described), options);
      this.#v2 = { generation, body: Buffer.from(JSON.stringify(document)) };
    }
    return this.#v2.body;
  }

  #paths(): Map<string, ServedResource[]> {
    const paths = new Map<string, ServedResource[]>();
    for (const resource of this.#registry.all()) {
      const path = openApiV3Path(resource.group, resource.version);
      const known = paths.get(path);
      if (known === undefined) paths.set(path, [resource]);
      else known.push(resource);
    }
    return paths;
  }

  /** Kept until a resource of its group-version changes. */
  #document(path: string): OpenApiDocument | undefined {
    const resources = this.#paths().get(path);
    if (resources === undefined) return undefined;
    const known = this.#documents.get(path);
    const same =
      known?.resources.length === resources.length && known.resources.every((each, at) => each === resources[at]);
    if (known !== undefined && same) return known;
    const body = Buffer.from(JSON.stringify(openApiV3(resources.map(described), options)));
    const made = { resources, body, hash: openApiHash(body) };
    this.#documents.set(path, made);
    return made;
  }
}

function described(resource: ServedResource): OpenApiResource {
  return { ...resource, schema: resource.openapi };
}
