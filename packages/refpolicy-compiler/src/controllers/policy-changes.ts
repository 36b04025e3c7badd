/** What the two policy controllers have in common: what they watch, and which Event a new verdict deserves. */
import { type ReconcileContext, watch } from "@krate/controller";
import { type Condition, ConfigMap, findCondition, GitEvent, type KindRef, type KubernetesObject } from "@krate/kinds";
import type { PolicyVerdict } from "../policy-status.ts";
import { bundleSelection } from "./bundles.ts";

export const refusalSelection = { fieldSelector: "spec.decision=Rejected" };

/** How often counters that say "today" are looked at again. */
export const statsResyncSeconds = 600;

export function policyWatches(kind: KindRef) {
  return [
    watch(
      ConfigMap,
      ({ metadata }, { lister }) =>
        lister(kind)
          .list(metadata?.namespace)
          .map((object) => ({
            namespace: metadata?.namespace ?? "",
            name: (object as KubernetesObject).metadata?.name ?? "",
          })),
      bundleSelection,
    ),
    watch(
      GitEvent,
      ({ metadata, spec }) =>
        (spec.rules ?? [])
          .filter(({ policy, decision }) => decision === "Denied" && policy.startsWith(`${kind.kind}/`))
          .map(({ policy }) => ({ namespace: metadata.namespace ?? "", name: policy.slice(kind.kind.length + 1) })),
      refusalSelection,
    ),
  ];
}

type WithConditions = KubernetesObject & { status?: { conditions?: Condition[]; observedGeneration?: number } };

/** An Event when a version compiles, or does not, for the first time. */
export function tellVerdict(object: WithConditions, verdict: PolicyVerdict, { events }: ReconcileContext): void {
  const before = findCondition(object, "Compiled");
  const now = verdict.conditions.find(({ type }) => type === "Compiled");
  if (!now || (before?.reason === now.reason && before.observedGeneration === object.metadata?.generation)) return;
  events.record(object, now.status === "True" ? "Normal" : "Warning", now.reason, now.message ?? "");
}
