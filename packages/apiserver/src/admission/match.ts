/**
 * Which requests a policy or binding is about: `matchConstraints` and `matchResources`.
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/matching and pkg/admission/plugin/webhook/predicates.
 */
import {
  isObject,
  type JsonObject,
  type JsonValue,
  type LabelSelector,
  labelSelectorOf,
  matchesLabels,
} from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import { labelsOf } from "../objects.ts";

/** Compiled `namespaceSelector` and `objectSelector`; absent ones match everything. */
export interface Selectors {
  namespaceSelector: LabelSelector;
  objectSelector: LabelSelector;
}

/** Compiled `MatchResources`; absent parts match everything. */
export interface Matcher extends Selectors {
  rules: readonly Rule[] | undefined;
  excluded: readonly Rule[];
  /** Equivalent: a rule about another version of the same resource counts too. */
  equivalent: boolean;
}

export interface Rule {
  operations: ReadonlySet<string>;
  groups: ReadonlySet<string>;
  versions: ReadonlySet<string>;
  resources: ReadonlySet<string>;
  names: ReadonlySet<string>;
  scope: string;
}

/** What a request is about, as rules see it. */
export interface Subject {
  operation: string;
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespaced: boolean;
  /** The object is a Namespace: its own labels are what `namespaceSelector` looks at. */
  isNamespace: boolean;
  name: string;
}

function textSet(value: JsonValue | undefined): Set<string> {
  return new Set(Array.isArray(value) ? value.map(String) : []);
}

export function compileRules(value: JsonValue | undefined): Rule[] {
  return (Array.isArray(value) ? value.filter(isObject) : []).map((rule) => ({
    operations: textSet(rule["operations"]),
    groups: textSet(rule["apiGroups"]),
    versions: textSet(rule["apiVersions"]),
    resources: textSet(rule["resources"]),
    names: textSet(rule["resourceNames"]),
    scope: typeof rule["scope"] === "string" ? rule["scope"] : "*",
  }));
}

/** @throws BadRequest for a malformed selector */
export function compileSelectors(section: JsonObject): Selectors {
  const selector = (value: JsonValue | undefined) => labelSelectorOf(isObject(value) ? value : {});
  return {
    namespaceSelector: selector(section["namespaceSelector"]),
    objectSelector: selector(section["objectSelector"]),
  };
}

/** @throws BadRequest for a malformed selector */
export function compileMatcher(resources: JsonValue | undefined): Matcher {
  const match = isObject(resources) ? resources : {};
  const rules = compileRules(match["resourceRules"]);
  return {
    rules: rules.length === 0 ? undefined : rules,
    excluded: compileRules(match["excludeResourceRules"]),
    ...compileSelectors(match),
    equivalent: match["matchPolicy"] !== "Exact",
  };
}

export function subjectOf(ctx: RequestContext): Subject {
  const { group, version, plural, namespaced } = ctx.served;
  return {
    operation: ctx.operation ?? "CONNECT",
    group,
    version,
    resource: plural,
    subresource: ctx.target.subresource,
    namespaced,
    isNamespace: group === "" && plural === "namespaces",
    // kube-apiserver does not name the objects of a collection.
    name: ctx.target.verb === "deletecollection" ? "" : (ctx.key?.name ?? ctx.target.name),
  };
}

export interface MatchedObjects {
  object: JsonObject | undefined;
  oldObject: JsonObject | undefined;
  namespace: JsonObject | undefined;
}

export function matchesSelectors(selectors: Selectors, subject: Subject, objects: MatchedObjects): boolean {
  return matchesNamespace(selectors, subject, objects) && matchesObject(selectors, objects);
}

/** Another group, version or name of the same objects. */
export type Equivalent = Pick<Subject, "group" | "version"> & { readonly plural: string };

/**
 * What a rule names of the requested resource: itself when there is such a rule, otherwise (matchPolicy Equivalent) the first of
 * `equivalents` that is named, earlier rules first.
 */
export function matchedResource<T extends Equivalent>(
  { rules, equivalent }: { rules: readonly Rule[]; equivalent: boolean },
  subject: Subject,
  equivalents: () => readonly T[],
): "itself" | T | undefined {
  if (rules.some((rule) => matchesRule(rule, subject, subject.version))) return "itself";
  if (!equivalent) return undefined;
  for (const rule of rules) {
    const found = equivalents().find(({ group, version, plural }) =>
      matchesRule(rule, { ...subject, group, resource: plural }, version),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

/** As `matchedResource`, with everything else a policy or binding may ask for. */
export function matchOf<T extends Equivalent>(
  matcher: Matcher,
  subject: Subject,
  objects: MatchedObjects,
  equivalents: () => readonly T[],
): "itself" | T | undefined {
  if (!matchesSelectors(matcher, subject, objects)) return undefined;
  const { rules, excluded, equivalent } = matcher;
  if (excluded.length > 0 && matchedResource({ rules: excluded, equivalent }, subject, equivalents) !== undefined) {
    return undefined;
  }
  return rules === undefined ? "itself" : matchedResource({ rules, equivalent }, subject, equivalents);
}

function matchesNamespace(
  { namespaceSelector }: Selectors,
  subject: Subject,
  { object, oldObject, namespace }: MatchedObjects,
): boolean {
  if (namespaceSelector.length === 0) return true;
  const about = subject.isNamespace ? (object ?? oldObject) : namespace;
  if (about === undefined) return !subject.namespaced;
  return matchesLabels(namespaceSelector, labelsOf(about));
}

/** Either the new or the old object may carry the label, so that it cannot be dropped to escape. */
function matchesObject({ objectSelector }: Selectors, { object, oldObject }: MatchedObjects): boolean {
  if (objectSelector.length === 0) return true;
  return [object, oldObject].some((each) => each !== undefined && matchesLabels(objectSelector, labelsOf(each)));
}

function matchesRule(rule: Rule, subject: Subject, version: string): boolean {
  return (
    has(rule.operations, subject.operation) &&
    has(rule.groups, subject.group) &&
    has(rule.versions, version) &&
    matchesResource(rule.resources, subject) &&
    matchesScope(rule.scope, subject) &&
    (rule.names.size === 0 || rule.names.has(subject.name))
  );
}

function has(values: ReadonlySet<string>, value: string): boolean {
  return values.has("*") || values.has(value);
}

function matchesResource(resources: ReadonlySet<string>, { resource, subresource }: Subject): boolean {
  for (const each of resources) {
    const [wanted, sub = ""] = each.split("/", 2);
    if ((wanted === "*" || wanted === resource) && (sub === subresource || sub === "*")) return true;
  }
  return false;
}

function matchesScope(scope: string, { namespaced, isNamespace }: Subject): boolean {
  if (scope === "*") return true;
  return scope === "Namespaced" ? namespaced && !isNamespace : !namespaced || isNamespace;
}
