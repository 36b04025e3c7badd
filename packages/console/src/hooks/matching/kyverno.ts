/**
 * Which of a repository's objects the rules of a Kyverno ClusterPolicy or Policy reach.
 * Source: kyverno 1.19, pkg/utils/kube/kind.go (ParseKindSelector) and pkg/engine/utils/match.go.
 */
import type { KindRef } from "@krate/kinds";
import { commonTargets, judgedKinds, mergeTargets, type Target, withoutTargets } from "./judged-kinds.ts";
import { knownOf, nothing, type Place, type Reach } from "./rules.ts";
import { type KnownLabels, type LabelSelector, selectorAnswer, selectorText } from "./selectors.ts";

/** `resources` of a match or exclude block. */
export interface KyvernoResources {
  kinds?: string[];
  name?: string;
  names?: string[];
  namespaces?: string[];
  annotations?: Record<string, string>;
  selector?: LabelSelector;
  namespaceSelector?: LabelSelector;
  operations?: string[];
}

/** Who asks narrows a block as well; who that will be is not known here. */
interface KyvernoFilter {
  resources?: KyvernoResources;
  roles?: string[];
  clusterRoles?: string[];
  subjects?: unknown[];
}

export interface KyvernoMatch extends KyvernoFilter {
  any?: KyvernoFilter[];
  all?: KyvernoFilter[];
}

export interface KindSelector {
  group: string;
  version: string;
  kind: string;
  subresource: string;
}

const versionPattern = /^(v\d((alpha|beta)\d)?|\*)$/;

/** `PullRequest`, `v1alpha1/PullRequest`, `forge.krate.a5c.ai/v1alpha1/PullRequest`, `PullRequest/status`, … */
export function parseKindSelector(text: string): KindSelector {
  const slashed = text.split("/");
  const parts = [...slashed.slice(0, -1), ...(slashed.at(-1) ?? "").split(".")];
  const [a = "", b = "", c = "", d = ""] = parts;
  const any = { group: "*", version: "*" };
  switch (parts.length) {
    case 1:
      return { ...any, kind: a, subresource: "" };
    case 2:
      if (a === "*" && b === "*") return { ...any, kind: "*", subresource: "*" };
      if (a === "*" && b === b.toLowerCase()) return { ...any, kind: a, subresource: b };
      if (versionPattern.test(a)) return { group: "*", version: a, kind: b, subresource: "" };
      return { ...any, kind: a, subresource: b };
    case 3:
      if (versionPattern.test(a)) return { group: "*", version: a, kind: b, subresource: c };
      return { group: a, version: b, kind: c, subresource: "" };
    case 4:
      return { group: a, version: b, kind: c, subresource: d };
    default:
      return { group: "", version: "", kind: "", subresource: "" };
  }
}

/** `*` stands for any text, `?` for one character. */
export function wildcardMatches(pattern: string, text: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`, "s").test(text);
}

/** Kinds of a rule → what they name of a kind. */
function namedTargets(kinds: readonly string[], kind: KindRef, operations: string[]): Target[] {
  return kinds.flatMap((text): Target[] => {
    const selector = parseKindSelector(text);
    const isNamed =
      wildcardMatches(selector.group, kind.group) &&
      wildcardMatches(selector.version, kind.version) &&
      wildcardMatches(selector.kind, kind.kind);
    if (!isNamed) return [];
    if (selector.subresource === "" || selector.subresource === "*") return [{ kind: kind.kind, operations }];
    return wildcardMatches(selector.subresource, "status") ? [{ kind: `${kind.kind}/status`, operations }] : [];
  });
}

/** What one rule reaches: its match without its exclude. */
export function kyvernoReach(match: KyvernoMatch = {}, exclude: KyvernoMatch | undefined, place: Place): Reach {
  const onlyWhen = new Set<string>();
  const targets = judgedKinds.flatMap((judged) => {
    const { kind } = judged;
    const known = knownOf(judged, place);
    const found = blockReach(match, { kind, known, place });
    for (const text of found.conditions) onlyWhen.add(text);
    const away = exclude ? blockReach(exclude, { kind, known, place }) : undefined;
    if (!away) return found.targets;
    const left = withoutTargets(found.targets, away.certain);
    if (left.length > 0 && away.conditions.length > 0) onlyWhen.add(`not (${away.conditions.join(" and ")})`);
    return left;
  });
  return targets.length === 0 ? nothing : { targets: mergeTargets(targets), onlyWhen: [...onlyWhen] };
}

interface Asked {
  kind: KindRef;
  known: KnownLabels;
  place: Place;
}

interface BlockReach {
  /** What is reached at all. */
  targets: Target[];
  /** What of it needs none of the conditions. */
  certain: Target[];
  conditions: string[];
}

const unreached: BlockReach = { targets: [], certain: [], conditions: [] };

function blockReach(block: KyvernoMatch, asked: Asked): BlockReach {
  if (block.any?.length) return anyOf(block.any.map((filter) => filterReach(filter, asked)));
  const filters = block.all?.length ? block.all : [block];
  const [first = unreached, ...others] = filters.map((filter) => filterReach(filter, asked));
  return others.reduce(bothOf, first);
}

function anyOf(alternatives: readonly BlockReach[]): BlockReach {
  const certain = alternatives.flatMap((each) => each.certain);
  // Conditions do not matter where another alternative needs none.
  const open = alternatives.filter(({ targets }) => withoutTargets(targets, certain).length > 0);
  const texts = [...new Set(open.map(({ conditions }) => conditions.join(" and ")))];
  const isOne = texts.length === 1 && certain.length === 0;
  return {
    targets: alternatives.flatMap((each) => each.targets),
    certain,
    conditions: isOne ? (open[0]?.conditions ?? []) : texts.length > 0 ? [texts.join(", or ")] : [],
  };
}

function bothOf(a: BlockReach, b: BlockReach): BlockReach {
  const targets = commonTargets(a.targets, b.targets);
  if (targets.length === 0) return unreached;
  return { targets, certain: commonTargets(a.certain, b.certain), conditions: [...a.conditions, ...b.conditions] };
}

function filterReach(filter: KyvernoFilter, { kind, known, place }: Asked): BlockReach {
  const { resources = {}, roles, clusterRoles, subjects } = filter;
  // A block that says nothing selects nothing: `exclude: {}` excludes no object.
  if (
    [resources, ...[roles, clusterRoles, subjects].map((list) => list ?? [])].every(
      (part) => Object.keys(part).length === 0,
    )
  )
    return unreached;
  const { kinds = [], namespaces = [], operations = [] } = resources;
  const wanted = operations.length > 0 ? operations : ["*"];
  const targets = kinds.length > 0 ? namedTargets(kinds, kind, wanted) : [{ kind: kind.kind, operations: wanted }];
  if (targets.length === 0) return unreached;
  if (namespaces.length > 0 && !namespaces.some((pattern) => wildcardMatches(pattern, place.namespace)))
    return unreached;
  const ofNamespace = selectorAnswer(resources.namespaceSelector, place.namespaceLabels);
  const ofObject = selectorAnswer(resources.selector, known);
  const conditions: string[] = [];
  if (ofNamespace === "maybe" && resources.namespaceSelector)
    conditions.push(`the namespace has ${selectorText(resources.namespaceSelector)}`);
  if (ofObject === "maybe" && resources.selector) conditions.push(`the object has ${selectorText(resources.selector)}`);
  const names = [...(resources.name ? [resources.name] : []), ...(resources.names ?? [])].filter(
    (name) => name !== "*",
  );
  if (names.length > 0) conditions.push(`it is called ${names.join(" or ")}`);
  const annotations = Object.entries(resources.annotations ?? {});
  if (annotations.length > 0)
    conditions.push(`it is annotated ${annotations.map(([key, value]) => `${key}=${value}`).join(", ")}`);
  if (roles?.length || clusterRoles?.length || subjects?.length) conditions.push("certain people or roles ask");
  if (ofNamespace === "no" || ofObject === "no") return unreached;
  return { targets, certain: conditions.length > 0 ? [] : targets, conditions };
}
