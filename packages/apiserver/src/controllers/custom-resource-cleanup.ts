/** A deleted CustomResourceDefinition takes its objects along. Source: k8s.io/apiextensions-apiserver/pkg/controller/finalizer. */
import type { JsonObject } from "@krate/apimachinery";
import type { Logger } from "@krate/telemetry";
import { cleanupFinalizer } from "../core/custom-resource-definitions.ts";
import { finalizersOf, isBeingDeleted, metadataOf, nameOf, sectionOf, textOf } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import type { ConfigKind } from "../services.ts";
import { InternalClient } from "./internal-client.ts";
import { WorkQueue } from "./work-queue.ts";

const recheckMilliseconds = 500;
const definitions: ConfigKind = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
};

export function startCustomResourceCleanup(
  server: ApiServer,
  { log, signal }: { log: Logger; signal: AbortSignal },
): void {
  const client = new InternalClient(server, "customresource-cleanup");
  const queue = new WorkQueue({
    name: "custom-resource-cleanup",
    log,
    signal,
    work: (name) => clean(server, client, name),
  });
  server.services.config.onChange(definitions, (object) => {
    if (object !== undefined && isBeingDeleted(object)) queue.add(nameOf(object));
  });
}

async function clean(server: ApiServer, client: InternalClient, name: string): Promise<number | undefined> {
  const { config, registry } = server.services;
  const definition = config.get(definitions, { name });
  if (definition === undefined || !finalizersOf(definition).includes(cleanupFinalizer)) return undefined;
  const spec = sectionOf(definition, "spec");
  const plural = textOf((spec["names"] as JsonObject | undefined)?.["plural"]);
  const resource = registry.findResource(textOf(spec["group"]), plural);
  if (resource !== undefined && (await deleteAll(server, client, resource)) > 0) return recheckMilliseconds;
  const target = registry.findResource(definitions.group, definitions.plural) as ServedResource;
  const finalizers = finalizersOf(definition).filter((each) => each !== cleanupFinalizer);
  await client.merge(
    target,
    { namespace: "", name },
    {
      metadata: {
        resourceVersion: textOf(metadataOf(definition)["resourceVersion"]),
        finalizers: finalizers.length === 0 ? null : finalizers,
      },
    },
  );
  return undefined;
}

/** Asks for the deletion of every object of the resource; how many are left. */
async function deleteAll(server: ApiServer, client: InternalClient, resource: ServedResource): Promise<number> {
  const { store } = server.services;
  const { items } = await store.list({ ...resource.storage, limit: 500 });
  for (const namespace of new Set(items.map(({ key }) => key.namespace)))
    await client.deleteCollection(resource, namespace);
  return (await store.list({ ...resource.storage, limit: 1 })).items.length;
}
