/** One ConfigMap per organization namespace, compiled from all of its policies. */
import { defineController, done, requeueAfter, watch } from "@krate/controller";
import {
  BranchProtection,
  ConfigMap,
  type KubernetesObject,
  labels,
  Namespace,
  RefPolicy,
  Repository,
} from "@krate/kinds";
import type { PolicyBundle } from "@krate/refpolicy";
import { readHookModules } from "../hook-modules.ts";
import { bundleName, planBundle, readBundle } from "../plan-bundle.ts";

export const bundleSelection = { labelSelector: `${labels.bundle}=true` };

/** How often the modules of hooks are looked at again. */
const modulesResyncSeconds = 30;

/** Every change of a policy, a repository or the ConfigMap itself concerns its namespace. */
const itsNamespace = ({ metadata }: KubernetesObject) => [{ name: metadata?.namespace ?? "" }];

export function bundles() {
  const remembered = new Map<string, PolicyBundle>();
  return defineController({
    name: "refpolicy-bundles",
    for: Namespace,
    watches: [
      watch(BranchProtection, itsNamespace),
      watch(RefPolicy, itsNamespace),
      watch(Repository, itsNamespace),
      watch(ConfigMap, itsNamespace, bundleSelection),
    ],
    concurrency: 4,
    async reconcile({ metadata }, { client, lister, log }) {
      const namespace = metadata?.name ?? "";
      if (metadata?.deletionTimestamp) return done();
      const key = { namespace, name: bundleName };
      const current = lister(ConfigMap).get(key);
      const inForce = readBundle(current) ?? remembered.get(namespace);
      if (inForce) remembered.set(namespace, inForce);
      const policies = lister(RefPolicy).list(namespace);
      const modules = await readHookModules(client, namespace, policies);
      const plan = planBundle({
        namespace,
        branchProtections: lister(BranchProtection).list(namespace),
        refPolicies: policies,
        modules,
        repositories: lister(Repository).list(namespace),
        current,
        ...(inForce && { remembered: inForce }),
      });
      if (plan.action === "apply") {
        await client.apply(ConfigMap, plan.configMap, { fieldManager: "refpolicy-compiler", force: true });
        log.info({ namespace, hash: plan.configMap.metadata.annotations }, "policy bundle written");
      } else if (plan.action === "delete") await client.delete(ConfigMap, key);
      // ConfigMaps with modules are not watched: there may be many, of others.
      return modules.size > 0 ? requeueAfter(modulesResyncSeconds) : done();
    },
  });
}
