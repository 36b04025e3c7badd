/**
 * RBAC rules, compiled. Source: k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go.
 */
import { isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { AuthorizationAttributes } from "../services.ts";

export interface PolicyRule {
  verbs: readonly string[];
  apiGroups?: readonly string[];
  resources?: readonly string[];
  resourceNames?: readonly string[];
  nonResourceURLs?: readonly string[];
}

export interface CompiledRule {
  readonly source: PolicyRule;
  readonly verbs: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly resources: ReadonlySet<string>;
  /** Subresources of any resource: a rule for `scale` of `*`. */
  readonly anySubresources: ReadonlySet<string>;
  readonly names: ReadonlySet<string>;
  readonly urls: readonly string[];
}

function texts(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === "string") : [];
}

/** `rules` of a Role or ClusterRole. */
export function rulesOf(role: JsonObject | undefined): PolicyRule[] {
  const rules = role?.["rules"];
  if (!Array.isArray(rules)) return [];
  return rules.filter(isObject).map((rule) => ({
    verbs: texts(rule["verbs"]),
    apiGroups: texts(rule["apiGroups"]),
    resources: texts(rule["resources"]),
    resourceNames: texts(rule["resourceNames"]),
    nonResourceURLs: texts(rule["nonResourceURLs"]),
  }));
}

export function compileRule(rule: PolicyRule): CompiledRule {
  const resources = rule.resources ?? [];
  return {
    source: rule,
    verbs: new Set(rule.verbs),
    groups: new Set(rule.apiGroups ?? []),
    resources: new Set(resources),
    anySubresources: new Set(resources.filter((each) => each.startsWith("*/")).map((each) => each.slice(2))),
    names: new Set(rule.resourceNames ?? []),
    urls: rule.nonResourceURLs ?? [],
  };
}

export function allows(rule: CompiledRule, attributes: AuthorizationAttributes): boolean {
  if (!rule.verbs.has(attributes.verb) && !rule.verbs.has("*")) return false;
  if (attributes.path !== undefined) return rule.urls.some((url) => matchesUrl(url, attributes.path as string));
  const { group, resource, subresource, name } = attributes;
  if (!rule.groups.has(group) && !rule.groups.has("*")) return false;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const named = rule.resources.has("*") || rule.resources.has(full);
  if (!named && !(subresource !== "" && rule.anySubresources.has(subresource))) return false;
  return rule.names.size === 0 || rule.names.has(name);
}

function matchesUrl(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}

/** True when `owned` allow everything that `wanted` does; what escalation prevention asks. Source: pkg/registry/rbac/validation. */
export function covers(owned: readonly PolicyRule[], wanted: PolicyRule): boolean {
  return breakDown(wanted).every((piece) => owned.some((rule) => coversPiece(rule, piece)));
}

interface RulePiece {
  verb: string;
  group?: string;
  resource?: string;
  name?: string;
  url?: string;
}

function breakDown(rule: PolicyRule): RulePiece[] {
  const pieces: RulePiece[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) pieces.push({ verb, url });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const names = rule.resourceNames ?? [];
        if (names.length === 0) pieces.push({ verb, group, resource });
        for (const name of names) pieces.push({ verb, group, resource, name });
      }
    }
  }
  return pieces;
}

function coversPiece(rule: PolicyRule, piece: RulePiece): boolean {
  const has = (list: readonly string[] | undefined, value: string) =>
    list !== undefined && (list.includes("*") || list.includes(value));
  if (!has(rule.verbs, piece.verb)) return false;
  if (piece.url !== undefined) {
    return (rule.nonResourceURLs ?? []).some((url) => url === piece.url || matchesUrl(url, piece.url as string));
  }
  if (!has(rule.apiGroups, piece.group as string)) return false;
  const resource = piece.resource as string;
  const sub = resource.includes("/") ? `*/${resource.slice(resource.indexOf("/") + 1)}` : undefined;
  if (!has(rule.resources, resource) && !(sub !== undefined && rule.resources?.includes(sub))) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (piece.name !== undefined && names.includes(piece.name));
}
