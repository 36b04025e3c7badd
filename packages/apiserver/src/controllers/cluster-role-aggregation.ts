/** Fills ClusterRoles that have an aggregationRule. Source: k8s.io/kubernetes/pkg/controller/clusterroleaggregation. */
import {
  equalJson,
  isObject,
  type JsonObject,
  type JsonValue,
  labelSelectorOf,
  matchesLabels,
} from "@krate/apimachinery";
import { isReason } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { labelsOf, nameOf } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import type { ConfigKind } from "../services.ts";
import { InternalClient } from "./internal-client.ts";
import { WorkQueue } from "./work-queue.ts";

const clusterRoles: ConfigKind = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  kind: "ClusterRole",
  plural: "clusterroles",
};

export function startClusterRoleAggregation(
  server: ApiServer,
  { log, signal }: { log: Logger; signal: AbortSignal },
): void {
  const client = new InternalClient(server, "clusterrole-aggregation-controller");
  const { config } = server.services;
  const queue = new WorkQueue({
    name: "cluster-role-aggregation",
    log,
    signal,
    work: (name) => aggregate(server, client, name),
  });
  // Any role may be a part of any aggregated one; there are few of those.
  config.onChange(clusterRoles, () => {
    for (const role of config.list(clusterRoles)) if (isObject(role["aggregationRule"])) queue.add(nameOf(role));
  });
}

async function aggregate(server: ApiServer, client: InternalClient, name: string): Promise<undefined> {
  const { config, registry } = server.services;
  const role = config.get(clusterRoles, { name });
  if (role === undefined || !isObject(role["aggregationRule"])) return;
  const rules = aggregatedRules(role, config.list(clusterRoles));
  if (equalJson(rules, role["rules"] ?? [])) return;
  const resource = registry.findResource(clusterRoles.group, clusterRoles.plural) as ServedResource;
  try {
    await client.merge(resource, { namespace: "", name }, { rules });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

/** Rules of every selected role in order of their names, each once. */
export function aggregatedRules(role: JsonObject, all: readonly JsonObject[]): JsonValue[] {
  const selectors = (role["aggregationRule"] as JsonObject)["clusterRoleSelectors"];
  const compiled = (Array.isArray(selectors) ? selectors.filter(isObject) : []).map((selector) =>
    labelSelectorOf(selector),
  );
  const rules: JsonValue[] = [];
  for (const part of [...all].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
    if (nameOf(part) === nameOf(role) || !compiled.some((selector) => matchesLabels(selector, labelsOf(part))))
      continue;
    for (const rule of Array.isArray(part["rules"]) ? part["rules"] : []) {
      if (!rules.some((known) => equalJson(known, rule))) rules.push(rule);
    }
  }
  return rules;
}
