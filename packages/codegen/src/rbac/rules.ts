/** A `PolicyRule` of rbac.authorization.k8s.io/v1. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

export const read = ["get", "list", "watch"] as const;
export const write = ["create", "update", "patch", "delete"] as const;

/** Shorthand: one rule over resources of one group. */
export function allow(group: string, resources: readonly string[], verbs: readonly string[]): PolicyRule {
  return { apiGroups: [group], resources: [...resources], verbs: [...verbs] };
}

/** Rules with equal groups and verbs become one, resources sorted; order of first appearance is kept. */
export function mergeRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const merged = new Map<string, PolicyRule>();
  for (const rule of rules.filter(({ verbs }) => verbs.length > 0)) {
    const key = JSON.stringify([rule.apiGroups, rule.verbs, rule.resourceNames]);
    const before = merged.get(key);
    const resources = [...new Set([...(before?.resources ?? []), ...rule.resources])].sort();
    merged.set(key, { ...rule, resources });
  }
  return [...merged.values()];
}

export function clusterRole(name: string, rules: readonly PolicyRule[]) {
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules: [...rules] };
}

export interface RbacSubject {
  kind: "Group" | "ServiceAccount";
  name: string;
  namespace?: string;
}

export function clusterRoleBinding(name: string, role: string, subject: RbacSubject) {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [subject.kind === "Group" ? { apiGroup: "rbac.authorization.k8s.io", ...subject } : subject],
  };
}
