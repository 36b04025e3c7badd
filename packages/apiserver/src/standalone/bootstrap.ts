/** What a new cluster holds before the first client comes: namespaces, roles, bindings. Runs at every start; changes nothing twice. */
import { cloneJson, equalJson, type JsonObject } from "@krate/apimachinery";
import { isReason, platformNamespace } from "@krate/kinds";
import { encodeFor } from "../encoding.ts";
import { decodeStored, metadataOf, nameOf, timestamp } from "../objects.ts";
import type { ResourceRegistry } from "../resources/registry.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { Services } from "../services.ts";
import { bootstrapClusterRoleBindings, bootstrapClusterRoles } from "./bootstrap-policy.ts";

const namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/**
 * Everything at once: the store commits what comes together in one go.
 *
 * @param options `platform`: the namespace of Krate's own programs as well
 */
export async function bootstrap(services: Services, { platform }: { platform: boolean }): Promise<void> {
  const { registry } = services;
  const rbac = "rbac.authorization.k8s.io";
  const [roles, bindings] = [find(registry, rbac, "clusterroles"), find(registry, rbac, "clusterrolebindings")];
  await Promise.all([
    ...[...namespaces, ...(platform ? [platformNamespace] : [])].map((name) =>
      ensure(services, find(registry, "", "namespaces"), namespaceObject(name)),
    ),
    ...bootstrapClusterRoles.map((role) => reconcile(services, roles, role, "rules")),
    ...bootstrapClusterRoleBindings.map((binding) => reconcile(services, bindings, binding, "subjects")),
  ]);
}

function namespaceObject(name: string): JsonObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}

function find(registry: ResourceRegistry, group: string, plural: string): ServedResource {
  const resource = registry.findResource(group, plural);
  if (resource === undefined) throw new Error(`${plural} are not served`);
  return resource;
}

/** Creates an object unless there is one of its name. */
export async function ensure(
  { store, now, newUid }: Pick<Services, "store" | "now" | "newUid">,
  resource: ServedResource,
  object: JsonObject,
): Promise<void> {
  const made = cloneJson(object);
  const metadata = metadataOf(made);
  metadata["uid"] = newUid();
  metadata["creationTimestamp"] = timestamp(now());
  const namespace = resource.namespaced ? String(metadata["namespace"]) : "";
  try {
    await store.create({ ...resource.storage, namespace, name: nameOf(made) }, encodeFor(resource, made));
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}

/** Creates an object, or brings one part of it up to date: a new release may need more rules. */
async function reconcile(
  services: Services,
  resource: ServedResource,
  object: JsonObject,
  part: string,
): Promise<void> {
  const key = { ...resource.storage, namespace: "", name: nameOf(object) };
  if ((await services.store.get(key)) === undefined) return ensure(services, resource, object);
  // The controller that aggregates owns the rules of an aggregated role.
  if (object["aggregationRule"] !== undefined) return undefined;
  await services.store.update(key, {}, (current) => {
    const next = decodeStored(current);
    if (equalJson(next[part], object[part])) return { do: "keep" };
    next[part] = object[part];
    return { do: "replace", object: encodeFor(resource, next) };
  });
  return undefined;
}
