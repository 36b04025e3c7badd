import { isReason } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { mutatingPolicyKinds, type PolicyKinds } from "../admission/policy/kinds.ts";
import type { ResourceRegistry } from "../resources/registry.ts";
import type { ConfigKind, Services } from "../services.ts";

interface Discovered {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

/** Finds the resource of a kind by the cluster's discovery; what was found is kept. */
export function kindResolver(client: KubeClient, registry: ResourceRegistry): Services["resolveKind"] {
  const known = new Map<string, ConfigKind & { namespaced: boolean }>();
  return async (apiVersion, kind) => {
    const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
    const own = registry.findByKind(group, kind, version);
    if (own !== undefined) return own;
    const id = `${apiVersion}/${kind}`;
    const remembered = known.get(id);
    if (remembered !== undefined) return remembered;
    const found = (await discover(client, group, version)).find(
      (each) => each.kind === kind && !each.name.includes("/"),
    );
    if (found === undefined) return undefined;
    const resolved = { group, version, kind, plural: found.name, namespaced: found.namespaced };
    known.set(id, resolved);
    return resolved;
  };
}

async function discover(
  client: KubeClient,
  group: string,
  version: string,
): Promise<NonNullable<Discovered["resources"]>> {
  const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const response = await client.raw({ path });
    return ((await response.json()) as Discovered).resources ?? [];
  } catch (error) {
    if (isReason(error, "NotFound")) return [];
    throw error;
  }
}

/** In the version the cluster serves: v1 since Kubernetes 1.36, v1beta1 before; undefined where there are none. */
export async function servedMutatingPolicies(client: KubeClient): Promise<PolicyKinds | undefined> {
  for (const version of ["v1", "v1beta1"]) {
    const kinds = mutatingPolicyKinds(version);
    const served = await discover(client, kinds.policy.group, version);
    if (served.some(({ name }) => name === kinds.policy.plural)) return kinds;
  }
  return undefined;
}
