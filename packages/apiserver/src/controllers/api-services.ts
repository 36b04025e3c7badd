/**
 * An APIService for every group-version served here, as kube-apiserver's aggregator lists its own: some clients look there for what is
 * available. Source: k8s.io/kube-aggregator/pkg/controllers/autoregister.
 */
import type { JsonObject } from "@krate/apimachinery";
import { isReason } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { nameOf, timestamp } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import { InternalClient } from "./internal-client.ts";
import { WorkQueue } from "./work-queue.ts";

const managed = { "kube-aggregator.kubernetes.io/automanaged": "true" };
const ownPriority = { groupPriorityMinimum: 17_000, versionPriority: 15 };

export function startApiServices(server: ApiServer, { log, signal }: { log: Logger; signal: AbortSignal }): void {
  const client = new InternalClient(server, "api-service-controller");
  const queue = new WorkQueue({
    name: "api-services",
    log,
    signal,
    concurrency: 1,
    work: () => reconcile(server, client),
  });
  server.services.registry.onChange(() => queue.add("all"));
  queue.add("all");
}

async function reconcile(server: ApiServer, client: InternalClient): Promise<undefined> {
  const { registry, now } = server.services;
  const resource = registry.findResource("apiregistration.k8s.io", "apiservices");
  if (resource === undefined) return;
  const wanted = new Map(registry.all().map(({ group, version }) => [`${version}.${group}`, { group, version }]));
  const list = await client.list(resource, "", "?labelSelector=kube-aggregator.kubernetes.io%2Fautomanaged");
  const existing = new Set((Array.isArray(list["items"]) ? (list["items"] as JsonObject[]) : []).map(nameOf));
  for (const [name, { group, version }] of wanted) {
    if (!existing.has(name)) await create(client, resource, { name, group, version, now: timestamp(now()) });
  }
  for (const name of existing) if (!wanted.has(name)) await client.delete(resource, { namespace: "", name });
}

async function create(
  client: InternalClient,
  resource: ServedResource,
  { name, group, version, now }: { name: string; group: string; version: string; now: string },
): Promise<void> {
  try {
    await client.create(resource, "", {
      metadata: { name, labels: managed },
      spec: { group, version, ...ownPriority },
    });
  } catch (error) {
    if (isReason(error, "AlreadyExists")) return;
    throw error;
  }
  const message = "Local APIServices are always available";
  const condition = { type: "Available", status: "True", reason: "Local", message, lastTransitionTime: now };
  await client.merge(resource, { namespace: "", name }, { status: { conditions: [condition] } }, "status");
}
