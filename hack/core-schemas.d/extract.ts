/** Pure part of `hack/core-schemas`: from the documents of a kube-apiserver to the data our API server serves from. */

export interface GroupVersionKind {
  group: string;
  version: string;
  kind: string;
}

/** One resource as aggregated discovery (apidiscovery.k8s.io/v2) lists it. */
export interface DiscoveredResource {
  resource: string;
  responseKind: GroupVersionKind;
  scope: "Namespaced" | "Cluster";
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string; responseKind: GroupVersionKind; verbs: string[] }[];
}

export interface ColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

/** One served resource in the generated file. */
export interface CoreResource extends GroupVersionKind {
  resource: string;
  singular: string;
  namespaced: boolean;
  verbs: string[];
  shortNames: string[];
  categories: string[];
  /** Name in `definitions`. */
  schema: string;
  /** Columns of `kubectl get`, as the Table answers of the real server have them; none where nothing is listed. */
  columns: ColumnDefinition[];
  subresources: (GroupVersionKind & { name: string; verbs: string[]; schema?: string })[];
}

export type Schema = Record<string, unknown>;
export type Schemas = Record<string, Schema>;

const referencePrefix = "#/components/schemas/";
const gvkExtension = "x-kubernetes-group-version-kind";

/** Index from `group/version/kind` to the schema's name. Schemas of the machinery (Status, …) belong to every group. */
export function schemaNames(schemas: Schemas): Map<string, string> {
  const names = new Map<string, string>();
  for (const [name, schema] of Object.entries(schemas)) {
    for (const gvk of (schema[gvkExtension] as GroupVersionKind[] | undefined) ?? []) {
      if (!name.startsWith("io.k8s.apimachinery.")) names.set(gvkKey(gvk), name);
    }
  }
  return names;
}

/** The named schemas and all they refer to, sorted by name. */
export function closure(schemas: Schemas, roots: string[]): Schemas {
  const found = new Map<string, Schema>();
  const queue = [...roots];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name)) continue;
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`no schema ${name} in the OpenAPI documents`);
    found.set(name, withoutMachineryKinds(name, schema));
    queue.push(...references(schema));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The row of one resource with those of its subresources that are kept. */
export function coreResource(
  { group, version }: { group: string; version: string },
  discovered: DiscoveredResource,
  options: { keptSubresources: string[]; names: Map<string, string>; columns: ColumnDefinition[] },
): CoreResource {
  const own = (kind: GroupVersionKind) => (kind.version === "" ? { group, version, kind: kind.kind } : kind);
  const gvk = own(discovered.responseKind);
  const schema = options.names.get(gvkKey(gvk));
  if (schema === undefined) throw new Error(`no schema for ${gvkKey(gvk)}`);
  const subresources = options.keptSubresources.map((name) => {
    const sub = discovered.subresources?.find(({ subresource }) => subresource === name);
    if (sub === undefined) throw new Error(`no subresource ${name} of ${discovered.resource}`);
    const kind = own(sub.responseKind);
    return { name, ...kind, verbs: sub.verbs, schema: options.names.get(gvkKey(kind)) };
  });
  return {
    ...gvk,
    resource: discovered.resource,
    singular: discovered.singularResource,
    namespaced: discovered.scope === "Namespaced",
    verbs: discovered.verbs,
    shortNames: discovered.shortNames ?? [],
    categories: discovered.categories ?? [],
    schema,
    columns: options.columns,
    subresources,
  };
}

function gvkKey({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}/${kind}`;
}

function references(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]) =>
    key === "$ref" && typeof child === "string" ? [child.slice(referencePrefix.length)] : references(child),
  );
}

/** DeleteOptions, Status and WatchEvent carry the list of the document they were read from: it says nothing here. */
function withoutMachineryKinds(name: string, schema: Schema): Schema {
  if (!name.startsWith("io.k8s.apimachinery.")) return schema;
  const { [gvkExtension]: _, ...rest } = schema;
  return rest;
}
