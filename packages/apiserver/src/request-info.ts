/**
 * What a URL asks for. Source: k8s.io/apiserver/pkg/endpoints/request/requestinfo.go.
 *
 *   /api/<version>[/namespaces/<namespace>]/<resource>[/<name>[/<subresource>…]]            core group
 *   /apis/<group>/<version>[/namespaces/<namespace>]/<resource>[/<name>[/<subresource>…]]   every other group
 */

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

export interface ResourceRequest {
  readonly isResource: true;
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  /** `""` when cluster-scoped or across all namespaces. */
  readonly namespace: string;
  readonly resource: string;
  /** `""` for collections. */
  readonly name: string;
  readonly subresource: string;
  readonly path: string;
}

export interface NonResourceRequest {
  readonly isResource: false;
  /** Lower-case HTTP method. */
  readonly verb: string;
  readonly path: string;
}

export type RequestInfo = ResourceRequest | NonResourceRequest;

/** Subresources of a namespace; any other word behind `/namespaces/<name>/` is a resource in it. */
const namespaceSubresources = new Set(["status", "finalize"]);

const verbOfMethod: Record<string, Verb> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Never throws: a malformed resource path is a non-resource request, which ends in 404. */
export function parseRequestInfo(method: string, path: string, params: URLSearchParams): RequestInfo {
  const none: NonResourceRequest = { isResource: false, verb: method.toLowerCase(), path };
  const verb = verbOfMethod[method];
  if (verb === undefined) return none;
  const parts = splitPath(path);
  if (parts === undefined) return none;
  const head = parts[0] === "api" ? 1 : parts[0] === "apis" ? 2 : 0;
  if (head === 0 || parts.length < head + 2) return none;
  const group = head === 1 ? "" : (parts[1] as string);
  const version = parts[head] as string;
  const rest = parts.slice(head + 1);
  let namespace = "";
  let at = 0;
  if (rest[0] === "namespaces" && rest.length > 1) {
    if (rest.length > 2 && !namespaceSubresources.has(rest[2] as string)) {
      namespace = rest[1] as string;
      at = 2;
    } else if (group === "") {
      // A namespace is authorized in itself: RBAC in the namespace may allow reading it.
      namespace = rest[1] as string;
    }
  }
  const resource = rest[at] as string;
  const name = rest[at + 1] ?? "";
  const subresource = rest.slice(at + 2).join("/");
  return {
    isResource: true,
    verb: collectionVerb(verb, name, params),
    group,
    version,
    namespace,
    resource,
    name: name === "" ? nameInSelector(verb, params) : name,
    subresource,
    path,
  };
}

function collectionVerb(verb: Verb, name: string, params: URLSearchParams): Verb {
  // One object is read, not watched, whatever else the query says.
  if (name !== "") return verb;
  if (verb === "get" && isTrue(params.get("watch"))) return "watch";
  return verb === "get" ? "list" : verb === "delete" ? "deletecollection" : verb;
}

/** `list` and `watch` of one name may be allowed by `resourceNames`. */
function nameInSelector(verb: Verb, params: URLSearchParams): string {
  const selector = verb === "get" ? params.get("fieldSelector") : null;
  const match = selector === null ? null : /(?:^|,)metadata\.name==?([^,\\]+)(?:$|,)/.exec(selector);
  return match?.[1] ?? "";
}

export function isTrue(value: string | null): boolean {
  return value !== null && value !== "false" && value !== "0";
}

/** Decoded segments; undefined when the encoding is broken. Empty segments are dropped, as Go's router does. */
function splitPath(path: string): string[] | undefined {
  const raw = path.split("/").filter((part) => part !== "");
  if (!path.includes("%")) return raw;
  try {
    return raw.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
