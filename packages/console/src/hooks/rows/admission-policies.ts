/** Policies in CEL: Kubernetes' own with their bindings, and Kyverno's, which are shaped like them. */
import type { KubernetesObject } from "@krate/kinds";
import { type HookMode, type HookObject, type HookRow, rowBase } from "../hook-rows.ts";
import { mergeTargets } from "../matching/judged-kinds.ts";
import { type MatchResources, type Place, type Reach, reachOf } from "../matching/rules.ts";
import { targetTexts } from "./target-texts.ts";

interface CelPolicySpec {
  matchConstraints?: MatchResources;
  matchConditions?: { name: string; expression: string }[];
  failurePolicy?: string;
  validations?: { expression: string; message?: string; messageExpression?: string }[];
  mutations?: { patchType?: string }[];
  /** Kyverno's only; bindings say it of Kubernetes'. */
  validationActions?: string[];
  evaluation?: { mode?: string; admission?: { enabled?: boolean } };
}

export interface CelPolicy extends KubernetesObject {
  spec?: CelPolicySpec;
  /** Kyverno's */
  status?: { conditionStatus?: { ready?: boolean; message?: string } };
}

export interface PolicyBinding extends KubernetesObject {
  spec?: {
    policyName?: string;
    validationActions?: string[];
    matchResources?: MatchResources;
    paramRef?: { name?: string };
  };
}

/**
 * One policy of Kubernetes with the bindings that name it; undefined when it reaches nothing of the repository.
 * @param bindings undefined when the user may not list them
 */
export function boundPolicyRow(
  object: HookObject,
  policy: CelPolicy,
  bindings: readonly PolicyBinding[] | undefined,
  place: Place,
): HookRow | undefined {
  const spec = policy.spec ?? {};
  const row = (reach: Reach, mode: HookMode, more: { messages?: string[]; problem?: string } = {}) =>
    policyRow(object, policy, { reach, mode, engine: "Kubernetes", ...more });
  if (bindings === undefined) {
    const problem = "You may not list its bindings, so whether it is enforced is not known.";
    return row(reachOf([spec.matchConstraints], place), "unknown", { problem });
  }
  const own = bindings.filter((binding) => binding.spec?.policyName === object.name);
  if (own.length === 0)
    return row(reachOf([spec.matchConstraints], place), "off", {
      problem: "No binding names it, so it judges nothing.",
    });
  const reached = own
    .map((binding) => ({ binding, reach: reachOf([spec.matchConstraints, binding.spec?.matchResources], place) }))
    .filter(({ reach }) => reach.targets.length > 0);
  const actions = new Set(reached.flatMap(({ binding }) => binding.spec?.validationActions ?? []));
  const reach = {
    targets: mergeTargets(reached.flatMap((each) => each.reach.targets)),
    onlyWhen: [...new Set(reached.flatMap((each) => each.reach.onlyWhen))],
  };
  return row(reach, spec.mutations ? "mutate" : modeOf([...actions]));
}

/** A ValidatingPolicy or MutatingPolicy of Kyverno. */
export function kyvernoCelRow(object: HookObject, policy: CelPolicy, place: Place): HookRow | undefined {
  const spec = policy.spec ?? {};
  const isOff =
    spec.evaluation?.admission?.enabled === false || (spec.evaluation?.mode ?? "Kubernetes") !== "Kubernetes";
  const ready = policy.status?.conditionStatus;
  const problem =
    ready?.ready === false ? `Kyverno is not ready to apply it. ${ready.message ?? ""}`.trim() : undefined;
  return policyRow(object, policy, {
    reach: reachOf([spec.matchConstraints], place),
    mode: isOff ? "off" : spec.mutations ? "mutate" : modeOf(spec.validationActions ?? ["Deny"]),
    engine: "Kyverno",
    ...(problem && { problem }),
  });
}

function modeOf(actions: readonly string[]): HookMode {
  return actions.includes("Deny") ? "enforce" : "audit";
}

interface PolicyFacts {
  reach: Reach;
  mode: HookMode;
  engine: string;
  problem?: string;
}

function policyRow(
  object: HookObject,
  { metadata, spec = {} }: CelPolicy,
  { reach, mode, engine, problem }: PolicyFacts,
): HookRow | undefined {
  if (reach.targets.length === 0) return undefined;
  const isLoose = spec.failurePolicy === "Ignore";
  return {
    type: "hook",
    layer: "admission",
    ...rowBase(object, object.name, metadata?.creationTimestamp),
    object,
    engine,
    mode,
    what: `${spec.mutations ? "Changes" : "Judges"} ${targetTexts(reach.targets)}${isLoose ? "; errors of the policy itself are ignored" : ""}.`,
    about: [...new Set(reach.targets.map(({ kind }) => kind))],
    onlyWhen: [...reach.onlyWhen, ...(spec.matchConditions ?? []).map(({ name }) => `condition ${name} holds`)],
    messages: (spec.validations ?? []).map(
      ({ message, messageExpression, expression }) => message ?? messageExpression ?? expression,
    ),
    ...(problem && { problem }),
  };
}
