/**
 * Which requests are audited and how much of each: `audit.k8s.io/v1` Policy, kube-apiserver's format. The first rule that matches decides;
 * none means that the request is not audited.
 * Source: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/, k8s.io/apiserver/pkg/audit/policy/checker.go.
 */
import { isObject, type JsonObject } from "@krate/apimachinery";
import { parse } from "yaml";
import type { RequestContext } from "../context.ts";

export const auditLevels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type AuditLevel = (typeof auditLevels)[number];

export const auditStages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type AuditStage = (typeof auditStages)[number];

export interface AuditRule {
  level: AuditLevel;
  users: readonly string[];
  userGroups: readonly string[];
  verbs: readonly string[];
  resources: readonly { group: string; resources: readonly string[]; resourceNames: readonly string[] }[];
  namespaces: readonly string[];
  nonResourceURLs: readonly string[];
  omitStages: readonly AuditStage[];
  omitManagedFields: boolean;
}

export interface AuditPolicy {
  rules: readonly AuditRule[];
}

const writes = ["create", "update", "patch", "delete", "deletecollection"];
const all = (group: string, ...resources: string[]) => ({ group, resources, resourceNames: [] });

/** Every write, without its bodies; but for what programs do by the second and nobody looks up: Leases and Events. */
export const defaultPolicy: AuditPolicy = {
  rules: [
    rule({
      level: "None",
      resources: [all("coordination.k8s.io", "leases"), all("", "events"), all("events.k8s.io", "events")],
    }),
    rule({ level: "Metadata", verbs: writes }),
  ],
};

function rule(given: Partial<AuditRule> & Pick<AuditRule, "level">): AuditRule {
  return {
    users: [],
    userGroups: [],
    verbs: [],
    resources: [],
    namespaces: [],
    nonResourceURLs: [],
    omitStages: [],
    omitManagedFields: false,
    ...given,
  };
}

/** @param text YAML or JSON. @throws Error naming the member that is wrong, and what is allowed */
export function parsePolicy(text: string): AuditPolicy {
  const policy: unknown = parse(text, { maxAliasCount: 100 });
  if (!isObject(policy as JsonObject)) throw new Error("the audit policy must be an object");
  const { apiVersion, kind, rules, omitStages, omitManagedFields } = policy as JsonObject;
  if (kind !== "Policy" || apiVersion !== "audit.k8s.io/v1") {
    throw new Error("the audit policy must be of apiVersion audit.k8s.io/v1 and kind Policy");
  }
  if (!Array.isArray(rules) || rules.length === 0)
    throw new Error("rules of the audit policy must be a list with a rule");
  const everywhere = words(omitStages, "omitStages", auditStages);
  return {
    rules: rules.map((each, at) => {
      const parsed = parseRule(each, `rules[${at}]`);
      const omit = isObject(each) ? each["omitManagedFields"] : undefined;
      return {
        ...parsed,
        omitStages: [...everywhere, ...parsed.omitStages],
        omitManagedFields: typeof omit === "boolean" ? omit : omitManagedFields === true,
      };
    }),
  };
}

function parseRule(value: unknown, path: string): AuditRule {
  if (!isObject(value as JsonObject)) throw new Error(`${path} of the audit policy must be an object`);
  const given = value as JsonObject;
  const [level] = words([given["level"]], `${path}.level`, auditLevels);
  const { resources } = given;
  if (resources !== undefined && !Array.isArray(resources))
    throw new Error(`${path}.resources of the audit policy must be a list`);
  const parsed = rule({
    level: level as AuditLevel,
    users: words(given["users"], `${path}.users`),
    userGroups: words(given["userGroups"], `${path}.userGroups`),
    verbs: words(given["verbs"], `${path}.verbs`),
    namespaces: words(given["namespaces"], `${path}.namespaces`),
    nonResourceURLs: words(given["nonResourceURLs"], `${path}.nonResourceURLs`),
    omitStages: words(given["omitStages"], `${path}.omitStages`, auditStages),
    resources: (resources ?? []).map((each, at) => parseResource(each, `${path}.resources[${at}]`)),
  });
  if (parsed.nonResourceURLs.length > 0 && (parsed.resources.length > 0 || parsed.namespaces.length > 0)) {
    throw new Error(`${path} of the audit policy must be about resources or about nonResourceURLs, not both`);
  }
  return parsed;
}

function parseResource(value: unknown, path: string): AuditRule["resources"][number] {
  if (!isObject(value as JsonObject)) throw new Error(`${path} of the audit policy must be an object`);
  const { group, resources, resourceNames } = value as JsonObject;
  if (group !== undefined && typeof group !== "string")
    throw new Error(`${path}.group of the audit policy must be a string`);
  return {
    group: group ?? "",
    resources: words(resources, `${path}.resources`),
    resourceNames: words(resourceNames, `${path}.resourceNames`),
  };
}

function words<T extends string = string>(value: unknown, path: string, allowed?: readonly T[]): T[] {
  if (value === undefined || value === null) return [];
  const fits = (each: unknown) => typeof each === "string" && (allowed === undefined || allowed.includes(each as T));
  if (Array.isArray(value) && value.every(fits)) return value as T[];
  const of = allowed === undefined ? "strings" : allowed.join(", ");
  throw new Error(`${path} of the audit policy is ${JSON.stringify(value)}: must be of ${of}`);
}

/** The rule for a request; undefined when it is not audited. */
export function ruleFor(policy: AuditPolicy, ctx: RequestContext): AuditRule | undefined {
  const found = policy.rules.find((each) => matches(each, ctx));
  return found === undefined || found.level === "None" ? undefined : found;
}

function matches(each: AuditRule, { info, user, impersonator }: RequestContext): boolean {
  // Rules are about who called, as in kube-apiserver: impersonation is what was done.
  const caller = impersonator ?? user;
  if (each.users.length > 0 && !each.users.includes(caller.name)) return false;
  if (each.userGroups.length > 0 && !each.userGroups.some((group) => caller.groups.includes(group))) return false;
  if (each.verbs.length > 0 && !each.verbs.includes(info.verb)) return false;
  if (!info.isResource) {
    if (each.resources.length > 0 || each.namespaces.length > 0) return false;
    return each.nonResourceURLs.length === 0 || each.nonResourceURLs.some((pattern) => isPath(pattern, info.path));
  }
  if (each.nonResourceURLs.length > 0) return false;
  if (each.namespaces.length > 0 && !each.namespaces.includes(info.namespace)) return false;
  return each.resources.length === 0 || each.resources.some((wanted) => isResource(wanted, info));
}

function isPath(pattern: string, path: string): boolean {
  return pattern.endsWith("*") ? path.startsWith(pattern.slice(0, -1)) : pattern === path;
}

function isResource(
  { group, resources, resourceNames }: AuditRule["resources"][number],
  info: { group: string; resource: string; subresource: string; name: string },
): boolean {
  if (group !== info.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(info.name)) return false;
  const { resource, subresource } = info;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  return resources.some(
    (pattern) =>
      pattern === "*" ||
      pattern === combined ||
      (subresource !== "" && (pattern === `*/${subresource}` || pattern === `${resource}/*`)),
  );
}
