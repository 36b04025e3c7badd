import { isObject, type JsonObject } from "@krate/apimachinery";
import { ApiError, type Status } from "@krate/kinds";
import type { UserInfo } from "../context.ts";
import { MemoryExchange, type MemoryRequest } from "../http/memory-exchange.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import type { Authenticator } from "../services.ts";

const deletionPage = 500;
const peers = new WeakMap<object, UserInfo>();

/** Knows requests that the server makes to itself: they carry a peer that no socket can have. */
export const internalRequests: Authenticator = (exchange) => peers.get(exchange.peer);

export interface ObjectReference {
  namespace: string;
  name: string;
}

/**
 * The server's own controllers as clients of it: every change goes through the whole pipeline (admission, audit) under the
 * controller's name, exactly as kube-controller-manager's would.
 */
export class InternalClient {
  readonly #server: ApiServer;
  readonly #peer: { address: string };

  /** @param controller such as `generic-garbage-collector`: acts as that ServiceAccount of kube-system, allowed everything */
  constructor(server: ApiServer, controller: string) {
    this.#server = server;
    this.#peer = { address: "internal" };
    peers.set(this.#peer, { name: `system:serviceaccount:kube-system:${controller}`, groups: ["system:masters"] });
  }

  async request(request: Omit<MemoryRequest, "peer">): Promise<{ status: number; body: JsonObject }> {
    const exchange = new MemoryExchange({ ...request, peer: this.#peer });
    this.#server.handle(exchange);
    await exchange.finished;
    const body: unknown = exchange.json();
    return { status: exchange.status, body: isObject(body) ? body : {} };
  }

  /** The answer, or the error it says. @throws ApiError */
  async call(request: Omit<MemoryRequest, "peer">): Promise<JsonObject> {
    const { status, body } = await this.request(request);
    if (status >= 400) throw ApiError.fromStatus(body as Partial<Status>, status);
    return body;
  }

  create(resource: ServedResource, namespace: string, object: JsonObject): Promise<JsonObject> {
    return this.call({ method: "POST", url: pathOf(resource, { namespace, name: "" }), body: object });
  }

  merge(resource: ServedResource, key: ObjectReference, patch: JsonObject, subresource = ""): Promise<JsonObject> {
    const url = `${pathOf(resource, key)}${subresource === "" ? "" : `/${subresource}`}`;
    return this.call({
      method: "PATCH",
      url,
      headers: { "content-type": "application/merge-patch+json" },
      body: patch,
    });
  }

  delete(resource: ServedResource, key: ObjectReference, options: JsonObject = {}): Promise<JsonObject> {
    return this.call({ method: "DELETE", url: pathOf(resource, key), body: options });
  }

  /** Deletes page by page, so that a namespace of a million objects is not held in memory. */
  async deleteCollection(resource: ServedResource, namespace: string, options: JsonObject = {}): Promise<void> {
    const url = pathOf(resource, { namespace, name: "" });
    let next = "";
    do {
      const query = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
      const answer = await this.call({ method: "DELETE", url: `${url}?limit=${deletionPage}${query}`, body: options });
      const metadata = isObject(answer["metadata"]) ? answer["metadata"] : {};
      next = typeof metadata["continue"] === "string" ? metadata["continue"] : "";
    } while (next !== "");
  }

  list(resource: ServedResource, namespace: string, query = ""): Promise<JsonObject> {
    return this.call({ url: `${pathOf(resource, { namespace, name: "" })}${query}` });
  }
}

/** URL path of an object, or of its collection without a name. */
export function pathOf(
  resource: Pick<ServedResource, "group" | "version" | "plural">,
  { namespace, name }: ObjectReference,
): string {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace === "" ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${resource.plural}${name === "" ? "" : `/${encodeURIComponent(name)}`}`;
}
