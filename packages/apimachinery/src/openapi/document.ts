import type { Definitions, Schema } from "../schema/types.ts";

/** A resource as discovery and OpenAPI describe it. */
export interface OpenApiResource {
  group: string;
  version: string;
  kind: string;
  /** @defaultValue `<kind>List` */
  listKind?: string;
  plural: string;
  namespaced: boolean;
  verbs: readonly string[];
  description?: string;
  /** The whole object. A schema that is one of the definitions keeps its name there; any other is named after group, version and kind. */
  schema?: Schema | undefined;
  hasStatus?: boolean;
  /** Core kinds: strategic merge patch is offered too. */
  allowsStrategicPatch?: boolean;
  subresources?: Iterable<readonly [name: string, subresource: OpenApiSubresource]>;
}

export interface OpenApiSubresource {
  group: string;
  version: string;
  kind: string;
  verbs: readonly string[];
}

export interface OpenApiOptions {
  /** Schemas that `$ref`s point to. Those of meta.k8s.io are supplied when they are missing. */
  definitions?: Definitions;
  /** Version of the server, in `info`. */
  version: string;
}

/** `forge.krate.a5c.ai`, `v1alpha1`, `PullRequest` → `ai.a5c.krate.forge.v1alpha1.PullRequest`: how Kubernetes names schemas. */
export function schemaName(group: string, version: string, kind: string): string {
  const reversed = group === "" ? ["io", "k8s", "api", "core"] : group.split(".").reverse();
  return [...reversed, version, kind].join(".");
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const metaNames = {
  objectMeta: `${meta}.ObjectMeta`,
  listMeta: `${meta}.ListMeta`,
  status: `${meta}.Status`,
  deleteOptions: `${meta}.DeleteOptions`,
  patch: `${meta}.Patch`,
} as const;

const conventions = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

const apiVersionSchema: Schema = {
  type: "string",
  description: `Version of the schema this object follows. More info: ${conventions}#resources`,
};
const kindSchema: Schema = {
  type: "string",
  description: `Name of the resource this object represents, in CamelCase. More info: ${conventions}#types-kinds`,
};

/** The object's schema as it is published: with the fields every resource has and the extension by which clients find it. */
export function publishedSchema(resource: OpenApiResource): Schema {
  const { group, version, kind, schema = {} } = resource;
  const preserves = resource.schema === undefined ? { "x-kubernetes-preserve-unknown-fields": true } : {};
  return {
    ...preserves,
    ...schema,
    type: "object",
    ...(schema.description === undefined && resource.description ? { description: resource.description } : {}),
    properties: {
      ...schema.properties,
      apiVersion: apiVersionSchema,
      kind: kindSchema,
      metadata: {
        description: `Standard object's metadata. More info: ${conventions}#metadata`,
        allOf: [{ $ref: reference(metaNames.objectMeta) }],
      },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind }],
  };
}

export function publishedListSchema(resource: OpenApiResource, itemName: string): Schema {
  const { group, version, kind, plural, listKind = `${kind}List` } = resource;
  return {
    description: `${listKind} is a list of ${kind}`,
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: apiVersionSchema,
      kind: kindSchema,
      metadata: {
        description: `Standard list metadata. More info: ${conventions}#types-kinds`,
        allOf: [{ $ref: reference(metaNames.listMeta) }],
      },
      items: {
        description: `List of ${plural}. More info: ${conventions}`,
        type: "array",
        items: { $ref: reference(itemName) },
      },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind: listKind }],
  };
}

export function reference(name: string): string {
  return `#/components/schemas/${name}`;
}

/** Adds to `into` every definition that the schemas there reach. */
export function addReachable(into: Record<string, Schema>, definitions: Definitions): void {
  const pending = Object.values(into);
  for (let schema = pending.pop(); schema !== undefined; schema = pending.pop()) {
    for (const name of referencedNames(schema)) {
      const target = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
      if (target === undefined || Object.hasOwn(into, name)) continue;
      into[name] = target;
      pending.push(target);
    }
  }
}

function referencedNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencedNames);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === "$ref" && typeof member === "string"
      ? [member.slice(member.lastIndexOf("/") + 1)]
      : referencedNames(member),
  );
}
