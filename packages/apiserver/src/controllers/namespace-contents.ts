/** What every namespace gets: ServiceAccount `default`, and the cluster's CA in ConfigMap `kube-root-ca.crt`. */
import type { JsonObject } from "@krate/apimachinery";
import { isReason } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { namespaceKind } from "../core/namespaces.ts";
import { isBeingDeleted, nameOf } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import { InternalClient } from "./internal-client.ts";
import { WorkQueue } from "./work-queue.ts";

export function startNamespaceContents(
  server: ApiServer,
  { log, signal, caPem }: { log: Logger; signal: AbortSignal; caPem: string | undefined },
): void {
  const client = new InternalClient(server, "service-account-controller");
  const { config, registry } = server.services;
  const queue = new WorkQueue({
    name: "namespace-contents",
    log,
    signal,
    work: async (namespace) => {
      await ensure(client, registry.findResource("", "serviceaccounts"), namespace, { metadata: { name: "default" } });
      if (caPem === undefined) return undefined;
      const ca: JsonObject = { metadata: { name: "kube-root-ca.crt" }, data: { "ca.crt": caPem } };
      await ensure(client, registry.findResource("", "configmaps"), namespace, ca);
      return undefined;
    },
  });
  config.onChange(namespaceKind, (object) => {
    if (object !== undefined && !isBeingDeleted(object)) queue.add(nameOf(object));
  });
}

async function ensure(
  client: InternalClient,
  resource: ServedResource | undefined,
  namespace: string,
  object: JsonObject,
): Promise<void> {
  if (resource === undefined) return;
  const { status } = await client.request({
    url: `/api/v1/namespaces/${namespace}/${resource.plural}/${nameOf(object)}`,
  });
  if (status === 200) return;
  try {
    await client.create(resource, namespace, object);
  } catch (error) {
    // The namespace may be going away by now.
    if (!isReason(error, "AlreadyExists") && !isReason(error, "NotFound") && !isReason(error, "Forbidden")) throw error;
  }
}
