/**
 * OpenAPI v3 as kube-apiserver serves it: one document per group-version under `/openapi/v3`, what `kubectl explain` and field validation of
 * kubectl read. Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
 */
import { createHash } from "node:crypto";
import type { JsonObject } from "../json.ts";
import type { Definitions, Schema } from "../schema/types.ts";
import type { OpenApiOptions, OpenApiResource } from "./document.ts";
import { addReachable, metaNames, publishedListSchema, publishedSchema, schemaName } from "./document.ts";
import { metaDefinitions } from "./meta-definitions.ts";
import { pathsOf } from "./paths.ts";

/** The document of one group-version; `resources` are those of that group-version. */
export function openApiV3(resources: readonly OpenApiResource[], options: OpenApiOptions): JsonObject {
  const { definitions = {}, version } = options;
  const known: Definitions = { ...metaDefinitions, ...definitions };
  const schemas: Record<string, Schema> = {};
  const paths: JsonObject = {};
  for (const resource of resources) {
    const names = addSchemas(resource, schemas, known);
    Object.assign(paths, pathsOf(resource, names));
  }
  for (const name of Object.values(metaNames)) {
    const schema = known[name];
    if (schema !== undefined) schemas[name] = schema;
  }
  addReachable(schemas, known);
  return {
    openapi: "3.0.0",
    info: { title: "Krate", version },
    paths,
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)),
      ) as unknown as JsonObject,
      securitySchemes: {
        BearerToken: {
          type: "apiKey",
          name: "authorization",
          in: "header",
          description: "Bearer Token authentication",
        },
      },
    },
  };
}

function addSchemas(
  resource: OpenApiResource,
  schemas: Record<string, Schema>,
  known: Definitions,
): { object: string; list: string } {
  const { group, version, kind, listKind = `${kind}List` } = resource;
  const defined = nameOfDefinition(resource.schema, known);
  const object = defined ?? schemaName(group, version, kind);
  const list = `${object.slice(0, object.length - kind.length)}${listKind}`;
  schemas[object] = defined === undefined ? publishedSchema(resource) : (known[defined] as Schema);
  if (resource.verbs.includes("list")) schemas[list] = known[list] ?? publishedListSchema(resource, object);
  return { object, list: resource.verbs.includes("list") ? list : object };
}

function nameOfDefinition(schema: Schema | undefined, known: Definitions): string | undefined {
  if (schema === undefined) return undefined;
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  return Object.keys(known).find((name) => known[name] === schema);
}

/** `api/v1`, `apis/forge.krate.a5c.ai/v1alpha1`: the name of a group-version's document. */
export function openApiV3Path(group: string, version: string): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** The hash that the index names and that makes a document's URL change when it does. */
export function openApiHash(document: Uint8Array | string): string {
  return createHash("sha512").update(document).digest("hex").toUpperCase();
}

/** `/openapi/v3`: where each document is. Clients may cache a URL with a hash forever. */
export function openApiV3Index(documents: Iterable<readonly [path: string, hash: string]>): JsonObject {
  const paths: JsonObject = {};
  for (const [path, hash] of documents) paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  return { paths };
}
