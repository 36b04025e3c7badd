/**
 * Which of a repository's objects the rules of Kubernetes admission reach: webhooks (`rules`), ValidatingAdmissionPolicy,
 * MutatingAdmissionPolicy and Kyverno's policies in CEL (`matchConstraints`).
 * Source: k8s.io/apiserver, pkg/admission/plugin/webhook/predicates/rules and pkg/admission/plugin/policy/matching.
 */
import { type KindRef, labels } from "@krate/kinds";
import {
  commonTargets,
  type JudgedKind,
  judgedKinds,
  mergeTargets,
  type Target,
  withoutTargets,
} from "./judged-kinds.ts";
import {
  allOf,
  isEmptySelector,
  type KnownLabels,
  type LabelSelector,
  selectorAnswer,
  selectorText,
} from "./selectors.ts";

/** Where a request would be made. */
export interface Place {
  namespace: string;
  namespaceLabels: KnownLabels;
  /** Absent: any repository of the organization. */
  repository: string | undefined;
}

export interface ResourceRule {
  apiGroups?: string[];
  apiVersions?: string[];
  resources?: string[];
  operations?: string[];
  scope?: string;
  resourceNames?: string[];
}

export interface MatchResources {
  resourceRules?: ResourceRule[];
  excludeResourceRules?: ResourceRule[];
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
}

/** What is reached, and what only the request itself can tell. No targets: nothing of a repository is reached. */
export interface Reach {
  targets: Target[];
  onlyWhen: string[];
}

export const nothing: Reach = { targets: [], onlyWhen: [] };

/** What every one of `matches` reaches: a policy's own and its binding's. An absent match reaches everything. */
export function reachOf(matches: readonly (MatchResources | undefined)[], place: Place): Reach {
  const given = matches.filter((match) => match !== undefined);
  const namespaces = allOf(
    given.map(({ namespaceSelector }) => selectorAnswer(namespaceSelector, place.namespaceLabels)),
  );
  if (namespaces === "no") return nothing;
  const onlyWhen = new Set<string>();
  if (namespaces === "maybe")
    for (const { namespaceSelector } of given) addSelector(onlyWhen, "the namespace has", namespaceSelector);
  const targets = judgedKinds.flatMap((judged) => {
    const objects = allOf(given.map(({ objectSelector }) => selectorAnswer(objectSelector, knownOf(judged, place))));
    if (objects === "no") return [];
    const found = given
      .map((match) => rulesReach(match, judged.kind, onlyWhen))
      .reduce<Target[] | undefined>(intersect, undefined);
    if (objects === "maybe" && found?.length)
      for (const { objectSelector } of given) addSelector(onlyWhen, "the object has", objectSelector);
    return found ?? [];
  });
  return targets.length === 0 ? nothing : { targets: mergeTargets(targets), onlyWhen: [...onlyWhen] };
}

function addSelector(onlyWhen: Set<string>, subject: string, selector: LabelSelector | undefined): void {
  if (selector && !isEmptySelector(selector)) onlyWhen.add(`${subject} ${selectorText(selector)}`);
}

/** The server keeps the label of the repository equal to the field; other labels are anybody's. */
export function knownOf({ hasRepositoryLabel }: JudgedKind, { repository }: Place): KnownLabels {
  const isKnown = hasRepositoryLabel && repository !== undefined;
  return { labels: isKnown ? { [labels.repository]: repository } : {}, isComplete: false };
}

/** Rules of a binding may be absent: then all that the policy names is meant. */
function rulesReach(match: MatchResources, kind: KindRef, onlyWhen: Set<string>): Target[] | undefined {
  const rules = match.resourceRules ?? [];
  if (rules.length === 0) return undefined;
  const included = rules.flatMap((rule) => ruleReach(rule, kind, onlyWhen));
  const excluded = (match.excludeResourceRules ?? [])
    .filter(({ resourceNames }) => !resourceNames?.length)
    .flatMap((rule) => ruleReach(rule, kind, onlyWhen));
  return withoutTargets(included, excluded);
}

/** What one rule names of a kind: the object itself, or a subresource such as `PullRequest/status`. */
export function ruleReach(rule: ResourceRule, kind: KindRef, onlyWhen: Set<string>): Target[] {
  const { apiGroups = [], apiVersions = [], resources = [], operations = [], scope = "*", resourceNames = [] } = rule;
  const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);
  if (!has(apiGroups, kind.group) || !has(apiVersions, kind.version)) return [];
  if (scope !== "*" && scope !== kind.scope) return [];
  const targets = resources.flatMap((each): Target[] => {
    const [resource = "", subresource = ""] = each.split("/", 2);
    if (resource !== "*" && resource !== kind.plural) return [];
    // `*/*` and `pullrequests/*` name the object and its subresources.
    if (subresource === "" || subresource === "*") return [{ kind: kind.kind, operations }];
    return subresource === "status" ? [{ kind: `${kind.kind}/status`, operations }] : [];
  });
  if (targets.length > 0 && resourceNames.length > 0) onlyWhen.add(`it is called ${resourceNames.join(" or ")}`);
  return mergeTargets(targets);
}

function intersect(a: Target[] | undefined, b: Target[] | undefined): Target[] | undefined {
  return a === undefined || b === undefined ? (a ?? b) : commonTargets(a, b);
}
