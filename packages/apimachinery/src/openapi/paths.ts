/**
 * The paths of a resource. Clients read three things from them: which kind a path is about (`x-kubernetes-group-version-kind`), what an operation
 * does (`x-kubernetes-action`), and whether it takes `dryRun` and `fieldValidation`.
 */
import type { JsonObject } from "../json.ts";
import type { OpenApiResource, OpenApiSubresource } from "./document.ts";
import { metaNames, reference } from "./document.ts";

interface Parameter {
  name: string;
  description: string;
  type?: "string" | "integer" | "boolean";
}

const writeParameters: Parameter[] = [
  { name: "dryRun", description: "All: everything is done but storing the result." },
  {
    name: "fieldManager",
    description: "Name of the actor that makes these changes, at most 128 printable characters.",
  },
  {
    name: "fieldValidation",
    description: "What happens to unknown and duplicate fields: Ignore, Warn (the default) or Strict.",
  },
];
const force: Parameter = {
  name: "force",
  type: "boolean",
  description: "Apply even if other managers own the fields.",
};
const deleteParameters: Parameter[] = [
  { name: "dryRun", description: "All: everything is done but storing the result." },
  {
    name: "gracePeriodSeconds",
    type: "integer",
    description: "Seconds before the object is deleted; zero is at once.",
  },
  { name: "orphanDependents", type: "boolean", description: "Deprecated: use propagationPolicy." },
  { name: "propagationPolicy", description: "Orphan, Background or Foreground." },
];
const listParameters: Parameter[] = [
  { name: "allowWatchBookmarks", type: "boolean", description: "Send bookmarks in a watch." },
  { name: "continue", description: "Token of the page before." },
  { name: "fieldSelector", description: "Selects objects by their fields." },
  { name: "labelSelector", description: "Selects objects by their labels." },
  { name: "limit", type: "integer", description: "Largest number of items in the answer." },
  { name: "resourceVersion", description: "How fresh the answer must be, or where the watch begins." },
  { name: "resourceVersionMatch", description: "Exact or NotOlderThan." },
  { name: "sendInitialEvents", type: "boolean", description: "A watch begins with the present objects." },
  { name: "timeoutSeconds", type: "integer", description: "How long a list or watch may take." },
  { name: "watch", type: "boolean", description: "Send changes as they happen instead of a list." },
];
const pathParameters: Record<"name" | "namespace", string> = {
  name: "name of the object",
  namespace: "object name and auth scope, such as for teams and projects",
};

function queryParameter({ name, description, type = "string" }: Parameter): JsonObject {
  return { name, in: "query", description, schema: { type, uniqueItems: true } };
}

function pathLevel(...names: ("name" | "namespace")[]): JsonObject[] {
  const inPath = names.map((name) => ({
    name,
    in: "path",
    required: true,
    description: pathParameters[name],
    schema: { type: "string", uniqueItems: true },
  }));
  return [...inPath, queryParameter({ name: "pretty", description: "If 'true', then the output is pretty printed." })];
}

interface Names {
  object: string;
  list: string;
}

type Verb = "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection";

const methods: Record<Verb, string> = {
  get: "get",
  list: "get",
  create: "post",
  update: "put",
  patch: "patch",
  delete: "delete",
  deletecollection: "delete",
};
const actions: Record<Verb, string> = { ...methods, list: "list", deletecollection: "deletecollection" };
const words: Record<Verb, [operation: string, description: string]> = {
  get: ["read", "read the specified"],
  list: ["list", "list objects of kind"],
  create: ["create", "create a"],
  update: ["replace", "replace the specified"],
  patch: ["patch", "partially update the specified"],
  delete: ["delete", "delete a"],
  deletecollection: ["deleteCollection", "delete collection of"],
};

/** The paths of one resource and its subresources. */
export function pathsOf(resource: OpenApiResource, names: Names): JsonObject {
  const { group, version, plural, namespaced, kind } = resource;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const scope: "namespace"[] = namespaced ? ["namespace"] : [];
  const infix = namespaced ? "Namespaced" : "";
  const operations = (verbs: Verb[], suffix: string) =>
    verbs
      .filter((verb) => resource.verbs.includes(verb))
      .map((verb) => [methods[verb], operation(resource, verb, infix, suffix, names)]);
  const item = operations(["get", "update", "delete", "patch"], "");
  const paths: JsonObject = {
    [collection]: {
      ...Object.fromEntries(operations(["list", "create", "deletecollection"], "")),
      parameters: pathLevel(...scope),
    },
  };
  if (item.length > 0)
    paths[`${collection}/{name}`] = { ...Object.fromEntries(item), parameters: pathLevel("name", ...scope) };
  if (resource.hasStatus) {
    const status = operations(["get", "update", "patch"], "Status");
    paths[`${collection}/{name}/status`] = { ...Object.fromEntries(status), parameters: pathLevel("name", ...scope) };
  }
  for (const [name, subresource] of resource.subresources ?? []) {
    paths[`${collection}/{name}/${name}`] = {
      ...subresourceOperations(resource, name, subresource),
      parameters: pathLevel("name", ...scope),
    };
  }
  if (namespaced && resource.verbs.includes("list")) {
    const everywhere = operation(resource, "list", "", "", names);
    everywhere.operationId = `list${operationPrefix(resource)}${kind}ForAllNamespaces`;
    const { parameters, ...rest } = everywhere;
    paths[`${root}/${plural}`] = { get: rest, parameters: [...(parameters as JsonObject[]), ...pathLevel()] };
  }
  return paths;
}

function operationPrefix({ group, version }: OpenApiResource): string {
  const words = group === "" ? ["core"] : group.replace(/\.k8s\.io$/, "").split(/[.-]/);
  return words.map(capitalized).join("") + capitalized(version);
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function tagOf({ group, version }: OpenApiResource): string {
  const [first = "core", ...rest] = group === "" ? ["core"] : group.replace(/\.k8s\.io$/, "").split(/[.-]/);
  return `${first}${rest.map(capitalized).join("")}_${version}`;
}

function operation(resource: OpenApiResource, verb: Verb, infix: string, suffix: string, names: Names): JsonObject {
  const { group, version, kind } = resource;
  const [word, description] = words[verb];
  const collectionInfix =
    verb === "deletecollection"
      ? `delete${operationPrefix(resource)}Collection${infix}`
      : `${word}${operationPrefix(resource)}${infix}`;
  const body = requestBody(resource, verb, names);
  const query = parametersOf(verb);
  return {
    tags: [tagOf(resource)],
    description: `${description} ${kind}`,
    operationId: `${collectionInfix}${kind}${suffix}`,
    ...(query.length > 0 && { parameters: query.map(queryParameter) }),
    ...(body !== undefined && { requestBody: body }),
    responses: responsesOf(verb, names),
    "x-kubernetes-action": actions[verb],
    "x-kubernetes-group-version-kind": { group, version, kind },
  };
}

function parametersOf(verb: Verb): Parameter[] {
  if (verb === "create" || verb === "update") return writeParameters;
  if (verb === "patch") return [...writeParameters, force];
  if (verb === "delete") return deleteParameters;
  if (verb === "deletecollection")
    return [...deleteParameters, ...listParameters.filter(({ name }) => name !== "watch")];
  return verb === "list" ? listParameters : [];
}

function content(schema: string, mediaTypes: readonly string[]): JsonObject {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema: { $ref: reference(schema) } }]));
}

function requestBody(resource: OpenApiResource, verb: Verb, names: Names): JsonObject | undefined {
  if (verb === "create" || verb === "update") {
    return { required: true, content: content(names.object, ["application/json", "application/yaml"]) };
  }
  if (verb === "delete" || verb === "deletecollection")
    return { content: content(metaNames.deleteOptions, ["application/json"]) };
  if (verb !== "patch") return undefined;
  const strategic = resource.allowsStrategicPatch ? ["application/strategic-merge-patch+json"] : [];
  const types = [
    "application/json-patch+json",
    "application/merge-patch+json",
    ...strategic,
    "application/apply-patch+yaml",
  ];
  return { required: true, content: content(metaNames.patch, types) };
}

function responsesOf(verb: Verb, names: Names): JsonObject {
  const schema =
    verb === "list" ? names.list : verb === "delete" || verb === "deletecollection" ? metaNames.status : names.object;
  const watchable = verb === "list" ? ["application/json;stream=watch"] : [];
  const ok = { description: "OK", content: content(schema, ["application/json", "application/yaml", ...watchable]) };
  return {
    "200": ok,
    ...(verb === "create" || verb === "update" ? { "201": { ...ok, description: "Created" } } : {}),
    ...(verb === "create" || verb === "delete" ? { "202": { ...ok, description: "Accepted" } } : {}),
    "401": { description: "Unauthorized" },
  };
}

function subresourceOperations(resource: OpenApiResource, name: string, subresource: OpenApiSubresource): JsonObject {
  const { group, version, kind } = subresource;
  const entries = subresource.verbs
    .filter((verb): verb is Verb => Object.hasOwn(methods, verb))
    .map((verb) => [
      methods[verb],
      {
        tags: [tagOf(resource)],
        description: `${words[verb][0]} ${name} of the specified ${resource.kind}`,
        operationId: `${words[verb][0]}${operationPrefix(resource)}${resource.namespaced ? "Namespaced" : ""}${resource.kind}${capitalized(name)}`,
        responses: { "200": { description: "OK" }, "401": { description: "Unauthorized" } },
        "x-kubernetes-action": actions[verb],
        "x-kubernetes-group-version-kind": { group, version, kind },
      },
    ]);
  return Object.fromEntries(entries) as JsonObject;
}
