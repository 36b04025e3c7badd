/** Secrets, Pods, roles, reviews, tokens. */
import { core, merge, rbac, type Step } from "./step.ts";

export const coreSteps: readonly Step[] = [
  {
    name: "a Secret",
    method: "POST",
    path: `${core}/secrets?fieldManager=t`,
    body: { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { p: "w" } },
  },
  { name: "of another type", method: "PATCH", path: `${core}/secrets/s`, contentType: merge, body: { type: "other" } },
  {
    name: "a Pod",
    method: "POST",
    path: `${core}/pods?fieldManager=t&dryRun=All`,
    body: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: "c", image: "busybox", env: [{ name: "A", value: "b" }], ports: [{ containerPort: 80 }] }],
      },
    },
  },
  {
    name: "a Pod without containers",
    method: "POST",
    path: `${core}/pods`,
    body: { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec: {} },
  },
  {
    name: "a Service",
    method: "POST",
    path: `${core}/services?fieldManager=t`,
    body: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "svc" },
      spec: { type: "ExternalName", externalName: "example.com" },
    },
  },
  {
    name: "a Role",
    method: "POST",
    path: `${rbac}/roles?fieldManager=t`,
    body: { metadata: { name: "r" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }] },
  },
  {
    name: "a Role without verbs",
    method: "POST",
    path: `${rbac}/roles`,
    body: { metadata: { name: "r2" }, rules: [{ apiGroups: [""], resources: ["pods"], verbs: [] }] },
  },
  {
    name: "a RoleBinding",
    method: "POST",
    path: `${rbac}/rolebindings?fieldManager=t`,
    body: {
      metadata: { name: "rb" },
      roleRef: { kind: "Role", name: "r", apiGroup: "rbac.authorization.k8s.io" },
      subjects: [{ kind: "User", name: "u" }],
    },
  },
  {
    name: "to another role",
    method: "PATCH",
    path: `${rbac}/rolebindings/rb`,
    contentType: merge,
    body: { roleRef: { name: "other" } },
  },
  {
    name: "may I",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    body: { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
  },
  {
    name: "may nobody",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body: { spec: { user: "nobody", resourceAttributes: { verb: "get", resource: "pods" } } },
  },
  {
    name: "may who",
    method: "POST",
    path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    body: { spec: { resourceAttributes: { verb: "get", resource: "pods" } } },
  },
  {
    name: "whose token is this",
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/tokenreviews",
    body: { spec: { token: "nobody's" } },
  },
  {
    name: "a short token",
    method: "POST",
    path: `${core}/serviceaccounts/default/token`,
    body: { spec: { expirationSeconds: 5 } },
  },
  { name: "a token of nobody", method: "POST", path: `${core}/serviceaccounts/nobody/token`, body: { spec: {} } },
];
