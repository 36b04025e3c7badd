import {
  type JsonObject,
  type OpenApiOptions,
  type OpenApiResource,
  openApiHash,
  openApiV2,
  openApiV2Protobuf,
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
const notModified = 304;
const forever = "public, max-age=31536000, immutable";

/** `/openapi/v3` (index and one document per group-version) and `/openapi/v2`. Documents are made when first asked for. */
export function openApiRoutes(registry: ResourceRegistry): NonResourceRoute[] {
  const documents = new OpenApiDocuments(registry);
  return [
    { path: "/openapi/v3", handle: (ctx) => send(ctx, documents.index()) },
    { path: "/openapi/v3/", handle: (ctx) => answerVersion(ctx, documents) },
    { path: "/openapi/v2", handle: (ctx) => answerV2(ctx, documents) },
  ];
}

/** A prepared document; 304 for those who have it. */
function send(
  ctx: RequestContext,
  { body, hash }: Prepared,
  headers: Record<string, string> = {},
  contentType = "application/json",
): void {
  const etag = `"${hash}"`;
  const isKnown = ctx.exchange.header("if-none-match") === etag;
  ctx.response = {
    kind: "bytes",
    status: isKnown ? notModified : ok,
    contentType,
    body: isKnown ? Buffer.alloc(0) : body,
    headers: { etag, vary: "Accept", ...headers },
  };
}

interface Prepared {
  body: Buffer;
  hash: string;
}

function prepared(body: Buffer): Prepared {
  return { body, hash: openApiHash(body) };
}

function answerVersion(ctx: RequestContext, documents: OpenApiDocuments): void {
  const document = documents.find(ctx.info.path.slice("/openapi/v3/".length));
  if (document === undefined) throw unknownPath();
  const fixed = ctx.params.get("hash") === document.hash;
  send(ctx, document, fixed ? { "cache-control": forever } : {});
}

const protobufV2 = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
/** How kube-apiserver labels the answer: Go does not parse a media type with "@". */
const protobufV2Answer = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** The documents in the form asked for. */
function answerV2(ctx: RequestContext, documents: OpenApiDocuments): void {
  const accept = ctx.exchange.header("accept") ?? "*/*";
  if (accept.includes(protobufV2) && !accept.includes("application/json")) {
    send(ctx, documents.v2().protobuf, {}, protobufV2Answer);
    return;
  }
  if (!/application\/json|\*\/\*|application\/\*/.test(accept)) {
    throw new ApiError("NotAcceptable", "only the following media types are accepted: application/json");
  }
  send(ctx, documents.v2().json);
}

interface OpenApiDocument extends Prepared {
  resources: readonly ServedResource[];
}

class OpenApiDocuments {
  readonly #registry: ResourceRegistry;
  readonly #documents = new Map<string, OpenApiDocument>();
  #v2: { generation: number; json: Prepared; readonly protobuf: Prepared } | undefined;
  #index: (Prepared & { generation: number }) | undefined;

  constructor(registry: ResourceRegistry) {
    this.#registry = registry;
  }

  index(): Prepared {
    const { generation } = this.#registry;
    if (this.#index?.generation !== generation) {
      const paths = [...this.#paths().keys()].map((path) => [path, this.#document(path)?.hash ?? ""] as const);
      this.#index = { generation, ...prepared(Buffer.from(JSON.stringify(openApiV3Index(paths)))) };
    }
    return this.#index;
  }

  find(path: string): OpenApiDocument | undefined {
    return this.#document(path);
  }

  v2(): { json: Prepared; protobuf: Prepared } {
    const { generation } = this.#registry;
    if (this.#v2?.generation !== generation) {
      const document = withoutBroken(this.#registry.all(), openApiV2);
      let protobuf: Prepared | undefined;
      this.#v2 = {
        generation,
        json: prepared(Buffer.from(JSON.stringify(document))),
        get protobuf() {
          protobuf ??= prepared(openApiV2Protobuf(document));
          return protobuf;
        },
      };
    }
    return this.#v2;
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
    const made = { resources, ...prepared(Buffer.from(JSON.stringify(withoutBroken(resources, openApiV3)))) };
    this.#documents.set(path, made);
    return made;
  }
}

type Describe = (resources: readonly OpenApiResource[], options: OpenApiOptions) => JsonObject;

/** The document of all resources; one that cannot be described is left out instead of taking the others with it. */
function withoutBroken(resources: readonly ServedResource[], describe: Describe): JsonObject {
  const all = resources.map(described);
  try {
    return describe(all, options);
  } catch {
    return describe(
      all.filter((each) => isDescribable(each, describe)),
      options,
    );
  }
}

function isDescribable(resource: OpenApiResource, describe: Describe): boolean {
  try {
    describe([resource], options);
    return true;
  } catch {
    return false;
  }
}

function described(resource: ServedResource): OpenApiResource {
  return { ...resource, schema: resource.openapi };
}
