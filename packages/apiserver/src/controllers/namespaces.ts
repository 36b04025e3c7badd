/** Empties a namespace that is being deleted, then lets it go. Source: k8s.io/kubernetes/pkg/controller/namespace/deletion. */
import { isObject, type JsonObject } from "@krate/apimachinery";
import { isReason } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { namespaceFinalizers, namespaceKind } from "../core/namespaces.ts";
import { isBeingDeleted, nameOf } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import { InternalClient } from "./internal-client.ts";
import { WorkQueue } from "./work-queue.ts";

/** Objects with finalizers or a grace period go when others are done with them. */
const recheckMilliseconds = 500;
const ok = 200;

export function startNamespaceController(
  server: ApiServer,
  { log, signal }: { log: Logger; signal: AbortSignal },
): void {
  const client = new InternalClient(server, "namespace-controller");
  const { config } = server.services;
  const queue = new WorkQueue({ name: "namespaces", log, signal, work: (name) => empty(server, client, name) });
  config.onChange(namespaceKind, (object) => {
    if (object !== undefined && isBeingDeleted(object)) queue.add(nameOf(object));
  });
}

async function empty(server: ApiServer, client: InternalClient, name: string): Promise<number | undefined> {
  const { status, body: namespace } = await client.request({ url: `/api/v1/namespaces/${name}` });
  if (status !== ok || !isBeingDeleted(namespace) || namespaceFinalizers(namespace).length === 0) return undefined;
  let remaining = 0;
  for (const resource of contentResources(server)) remaining += await deleteAll(client, resource, name);
  if (remaining > 0) return recheckMilliseconds;
  namespace["spec"] = { finalizers: [] };
  try {
    await client.call({ method: "PUT", url: `/api/v1/namespaces/${name}/finalize`, body: namespace });
  } catch (error) {
    if (isReason(error, "Conflict")) return recheckMilliseconds;
    if (!isReason(error, "NotFound")) throw error;
  }
  return undefined;
}

/** One version of every namespaced resource that can be listed and deleted. */
function contentResources(server: ApiServer): ServedResource[] {
  const seen = new Set<string>();
  return server.services.registry.all().filter(({ namespaced, verbs, storage }) => {
    const id = `${storage.group}/${storage.resource}`;
    if (!namespaced || !verbs.includes("deletecollection") || seen.has(id)) return false;
    seen.add(id);
    return true;
  });
}

/** How many objects are left after asking for their deletion. */
async function deleteAll(client: InternalClient, resource: ServedResource, namespace: string): Promise<number> {
  if (count(await client.list(resource, namespace, "?limit=1")) === 0) return 0;
  await client.deleteCollection(resource, namespace, { propagationPolicy: "Background" });
  return count(await client.list(resource, namespace, "?limit=1"));
}

function count(list: JsonObject): number {
  return Array.isArray(list["items"]) ? list["items"].filter(isObject).length : 0;
}
