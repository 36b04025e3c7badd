/**
 * The roles and bindings every cluster has. Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go,
 * reduced to the kinds served here.
 */
import type { JsonObject } from "@krate/apimachinery";
import type { PolicyRule } from "../authorization/rules.ts";

const rbacGroup = "rbac.authorization.k8s.io";
const bootstrapLabel = { "kubernetes.io/bootstrapping": "rbac-defaults" };
const autoUpdate = { "rbac.authorization.kubernetes.io/autoupdate": "true" };
const aggregateTo = (role: string) => `${rbacGroup}/aggregate-to-${role}`;

const read = ["get", "list", "watch"];
const write = ["create", "delete", "deletecollection", "patch", "update"];

function clusterRole(name: string, rules: PolicyRule[], labels: Record<string, string> = {}): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRole",
    metadata: { name, labels: { ...bootstrapLabel, ...labels }, annotations: autoUpdate },
    rules: rules as unknown as JsonObject[],
  };
}

function aggregated(name: string, labels: Record<string, string> = {}): JsonObject {
  return {
    ...clusterRole(name, [], labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregateTo(name)]: "true" } }] },
  };
}

function binding(name: string, role: string, groups: string[]): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name, labels: bootstrapLabel, annotations: autoUpdate },
    roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: role },
    subjects: groups.map((group) => ({ apiGroup: rbacGroup, kind: "Group", name: group })),
  };
}

const discoveryUrls = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
  "/version/",
];
const publicUrls = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

const coreRead: PolicyRule[] = [
  {
    apiGroups: [""],
    resources: [
      "configmaps",
      "endpoints",
      "events",
      "namespaces",
      "namespaces/status",
      "pods",
      "pods/log",
      "pods/status",
      "serviceaccounts",
      "services",
      "services/status",
    ],
    verbs: read,
  },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: read },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: read },
];

const coreEdit: PolicyRule[] = [
  { apiGroups: [""], resources: ["secrets"], verbs: [...read, ...write] },
  {
    apiGroups: [""],
    resources: ["configmaps", "endpoints", "events", "pods", "serviceaccounts", "services"],
    verbs: write,
  },
  { apiGroups: [""], resources: ["pods/eviction", "serviceaccounts/token"], verbs: ["create"] },
  { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: write },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: [...read, ...write] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: write },
];

const coreAdmin: PolicyRule[] = [
  { apiGroups: [rbacGroup], resources: ["roles", "rolebindings"], verbs: [...read, ...write] },
  { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
];

export const bootstrapClusterRoles: readonly JsonObject[] = [
  clusterRole("cluster-admin", [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] },
  ]),
  aggregated("admin"),
  aggregated("edit", { [aggregateTo("admin")]: "true" }),
  aggregated("view", { [aggregateTo("edit")]: "true" }),
  clusterRole("system:aggregate-to-admin", coreAdmin, { [aggregateTo("admin")]: "true" }),
  clusterRole("system:aggregate-to-edit", coreEdit, { [aggregateTo("edit")]: "true" }),
  clusterRole("system:aggregate-to-view", coreRead, { [aggregateTo("view")]: "true" }),
  clusterRole("system:discovery", [{ nonResourceURLs: discoveryUrls, verbs: ["get"] }]),
  clusterRole("system:public-info-viewer", [{ nonResourceURLs: publicUrls, verbs: ["get"] }]),
  clusterRole("system:basic-user", [
    {
      apiGroups: ["authorization.k8s.io"],
      resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
      verbs: ["create"],
    },
    { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
  ]),
  clusterRole("system:auth-delegator", [
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    { apiGroups: ["authorization.k8s.io"], resources: ["subjectaccessreviews"], verbs: ["create"] },
  ]),
  clusterRole("system:service-account-issuer-discovery", [
    {
      nonResourceURLs: [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/",
        "/openid/v1/jwks",
        "/openid/v1/jwks/",
      ],
      verbs: ["get"],
    },
  ]),
  clusterRole("system:node", [
    { apiGroups: [""], resources: ["nodes"], verbs: ["create", ...read, "patch", "update"] },
    { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch", "update"] },
    { apiGroups: [""], resources: ["pods"], verbs: [...read, "delete"] },
    { apiGroups: [""], resources: ["pods/status"], verbs: ["patch", "update"] },
    { apiGroups: [""], resources: ["pods/binding"], verbs: ["create"] },
    { apiGroups: [""], resources: ["configmaps", "secrets", "services"], verbs: read },
    { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["get"] },
    { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
    { apiGroups: [""], resources: ["events"], verbs: ["create", "patch", "update"] },
    { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
    {
      apiGroups: ["coordination.k8s.io"],
      resources: ["leases"],
      verbs: ["create", "delete", "get", "patch", "update"],
    },
    { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
    {
      apiGroups: ["authorization.k8s.io"],
      resources: ["localsubjectaccessreviews", "subjectaccessreviews"],
      verbs: ["create"],
    },
  ]),
];

export const bootstrapClusterRoleBindings: readonly JsonObject[] = [
  binding("cluster-admin", "cluster-admin", ["system:masters"]),
  binding("system:discovery", "system:discovery", ["system:authenticated"]),
  binding("system:basic-user", "system:basic-user", ["system:authenticated"]),
  binding("system:public-info-viewer", "system:public-info-viewer", ["system:authenticated", "system:unauthenticated"]),
  binding("system:service-account-issuer-discovery", "system:service-account-issuer-discovery", [
    "system:serviceaccounts",
  ]),
  binding("system:node", "system:node", ["system:nodes"]),
];
