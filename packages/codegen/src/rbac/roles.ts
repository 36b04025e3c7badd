/**
 * The installed roles of people (ID-05, PER-01…PER-03), from `roles` of each kind. Bound cluster-wide; an installation with
 * several organizations that must not see one another binds the same ClusterRoles per organization namespace instead (C-37).
 */
import { configGroup, groups, type Kind, type RoleVerbs, recordGroup } from "@krate/kinds";
import type { Generator } from "../output-file.ts";
import { yamlFile } from "../yaml-file.ts";
import { allow, clusterRole, clusterRoleBinding, mergeRules, type PolicyRule, read } from "./rules.ts";

/**
 * Virtual subresources asked for by SubjectAccessReview (kinds.md §5.3): nothing serves them.
 * get content = clone and read, update content = push and merge, admin = bypass protection and change settings.
 */
const virtualRules: Record<keyof RoleVerbs, PolicyRule[]> = {
  authenticated: [],
  developers: [allow(configGroup, ["repositories/content"], ["get", "update"])],
  repoAdmins: [
    allow(configGroup, ["repositories/content"], ["get", "update"]),
    allow(configGroup, ["repositories/admin"], ["get", "update"]),
  ],
};

/** What people need beside Krate's kinds: Events of `kubectl describe`, Pods behind a run, the policies that judge them. */
const surroundings: Record<keyof RoleVerbs, PolicyRule[]> = {
  authenticated: [allow("", ["namespaces"], ["get"])],
  developers: [
    allow("", ["namespaces", "events", "pods"], read),
    allow("", ["pods/log"], ["get"]),
    ...admissionPolicies(),
  ],
  repoAdmins: [
    allow("", ["namespaces", "events", "pods"], read),
    allow("", ["pods/log"], ["get"]),
    ...admissionPolicies(),
  ],
};

/**
 * Whoever is judged may read by what (UI-49): Kubernetes' own policies, the webhooks that are asked, and Kyverno's policies where it is
 * installed. None of them holds a secret: Kubernetes refuses credentials in a webhook's URL.
 */
function admissionPolicies(): PolicyRule[] {
  return [
    allow(
      "admissionregistration.k8s.io",
      [
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "mutatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "validatingwebhookconfigurations",
      ],
      read,
    ),
    allow("kyverno.io", ["clusterpolicies", "policies"], read),
    allow(
      "policies.kyverno.io",
      ["mutatingpolicies", "namespacedmutatingpolicies", "namespacedvalidatingpolicies", "validatingpolicies"],
      read,
    ),
  ];
}

/** Rules of one installed role. */
export function rulesOfRole(kinds: readonly Kind[], role: keyof RoleVerbs): PolicyRule[] {
  const ofKinds = kinds.flatMap((kind) => {
    const verbs = kind.roles[role] ?? [];
    const subresources = Object.entries(kind.subresources ?? {}).flatMap(([name, { verbs: served }]) =>
      served.includes("get") && verbs.includes("get") ? [allow(kind.group, [`${kind.plural}/${name}`], ["get"])] : [],
    );
    return [allow(kind.group, [kind.plural], verbs), ...subresources];
  });
  return mergeRules([...ofKinds, ...virtualRules[role], ...surroundings[role]]);
}

const platformEngineerRules: PolicyRule[] = [
  allow(configGroup, ["*"], ["*"]),
  allow(recordGroup, ["*"], ["*"]),
  allow(
    "",
    ["namespaces", "secrets", "configmaps", "serviceaccounts"],
    [...read, "create", "update", "patch", "delete"],
  ),
  allow("", ["events", "nodes", "pods"], read),
  allow("", ["pods/log"], ["get"]),
  allow("admissionregistration.k8s.io", ["*"], ["*"]),
  allow("apiextensions.k8s.io", ["customresourcedefinitions"], ["*"]),
];

/** `deploy/rbac/roles.yaml`. */
export const generateRoles: Generator = (kinds) => {
  const roles = [
    { name: "krate-authenticated", group: groups.authenticated, rules: rulesOfRole(kinds, "authenticated") },
    { name: "krate-developers", group: groups.developers, rules: rulesOfRole(kinds, "developers") },
    { name: "krate-repo-admins", group: groups.repoAdmins, rules: rulesOfRole(kinds, "repoAdmins") },
    { name: "krate-platform-engineers", group: groups.platformEngineers, rules: platformEngineerRules },
  ];
  return [
    yamlFile(
      "deploy/rbac/roles.yaml",
      roles.flatMap(({ name, group, rules }) => [
        clusterRole(name, rules),
        clusterRoleBinding(name, name, { kind: "Group", name: group }),
      ]),
    ),
  ];
};
