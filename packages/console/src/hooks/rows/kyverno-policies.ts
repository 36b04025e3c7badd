/** Kyverno's ClusterPolicy and Policy: one row for each policy with a rule that reaches the repository. */
import type { KubernetesObject } from "@krate/kinds";
import { type HookMode, type HookObject, type HookRow, rowBase } from "../hook-rows.ts";
import { mergeTargets } from "../matching/judged-kinds.ts";
import { type KyvernoMatch, kyvernoReach, wildcardMatches } from "../matching/kyverno.ts";
import type { Place } from "../matching/rules.ts";
import { type LabelSelector, selectorAnswer } from "../matching/selectors.ts";
import { targetTexts } from "./target-texts.ts";

interface ActionOverride {
  action?: string;
  namespaces?: string[];
  namespaceSelector?: LabelSelector;
}

interface KyvernoRule {
  name?: string;
  match?: KyvernoMatch;
  exclude?: KyvernoMatch;
  preconditions?: unknown;
  celPreconditions?: { name: string }[];
  validate?: { message?: string; failureAction?: string; failureActionOverrides?: ActionOverride[] };
  mutate?: object;
  generate?: object;
  verifyImages?: unknown[];
}

export interface KyvernoPolicy extends KubernetesObject {
  spec?: {
    rules?: KyvernoRule[];
    admission?: boolean;
    validationFailureAction?: string;
    validationFailureActionOverrides?: ActionOverride[];
    failurePolicy?: string;
  };
  status?: { conditions?: { type: string; status: string; message?: string }[] };
}

export function kyvernoPolicyRow(object: HookObject, policy: KyvernoPolicy, place: Place): HookRow | undefined {
  const { metadata, spec = {}, status } = policy;
  const reached = (spec.rules ?? [])
    .map((rule) => ({ rule, reach: kyvernoReach(rule.match, rule.exclude, place) }))
    .filter(({ reach }) => reach.targets.length > 0);
  if (reached.length === 0) return undefined;
  const rules = reached.map(({ rule }) => rule);
  const targets = mergeTargets(reached.flatMap(({ reach }) => reach.targets));
  const notReady = status?.conditions?.find(({ type, status: holds }) => type === "Ready" && holds === "False");
  const conditions = rules.flatMap(({ name, preconditions, celPreconditions }) =>
    preconditions !== undefined || celPreconditions?.length ? [`the preconditions of rule ${name} hold`] : [],
  );
  return {
    type: "hook",
    layer: "admission",
    ...rowBase(object, object.name, metadata?.creationTimestamp),
    object,
    engine: "Kyverno",
    mode: spec.admission === false ? "off" : modeOf(rules, spec, place),
    what: `${rules.some(({ mutate }) => mutate) ? "Changes" : "Judges"} ${targetTexts(targets)}.`,
    about: [...new Set(targets.map(({ kind }) => kind))],
    onlyWhen: [...new Set([...reached.flatMap(({ reach }) => reach.onlyWhen), ...conditions])],
    messages: rules.flatMap(({ name, validate }) => (validate?.message ? [`${name}: ${validate.message}`] : [])),
    ...(notReady && { problem: `Kyverno is not ready to apply it. ${notReady.message ?? ""}`.trim() }),
  };
}

/** A rule's own action, else the policy's, which older policies use; Audit when nobody says. One that refuses makes it `enforce`. */
function modeOf(rules: readonly KyvernoRule[], spec: NonNullable<KyvernoPolicy["spec"]>, place: Place): HookMode {
  const validating = rules.filter(({ validate, verifyImages }) => validate !== undefined || verifyImages !== undefined);
  if (validating.length === 0) return rules.some(({ mutate }) => mutate) ? "mutate" : "audit";
  const enforces = validating.some(({ validate }) => {
    const overrides = [...(validate?.failureActionOverrides ?? []), ...(spec.validationFailureActionOverrides ?? [])];
    const action =
      overrides.find((override) => isFor(override, place))?.action ??
      validate?.failureAction ??
      spec.validationFailureAction ??
      "Audit";
    return action.toLowerCase() === "enforce";
  });
  return enforces ? "enforce" : "audit";
}

function isFor({ namespaces = [], namespaceSelector }: ActionOverride, place: Place): boolean {
  const isNamed = namespaces.length === 0 || namespaces.some((pattern) => wildcardMatches(pattern, place.namespace));
  return isNamed && selectorAnswer(namespaceSelector, place.namespaceLabels) === "yes";
}
