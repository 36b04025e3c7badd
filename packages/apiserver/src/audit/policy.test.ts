import { expect, test } from "@jest/globals";
import type { RequestContext } from "../context.ts";
import { parseRequestInfo } from "../request-info.ts";
import { fixture } from "../testing/fixture.ts";
import { defaultPolicy, parsePolicy, ruleFor } from "./policy.ts";

function request({ method = "GET", url = "/api/v1/pods", user = "ada", groups = ["dev"] } = {}): RequestContext {
  const ctx = fixture().context({ method, url });
  ctx.info = parseRequestInfo(method, ctx.exchange.path, ctx.params);
  ctx.user = { name: user, groups };
  return ctx;
}

/** What is in Kubernetes' documentation, shortened. */
const policy = parsePolicy(`
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: None
  users: ["system:kube-proxy"]
  verbs: ["watch"]
  resources: [{ group: "", resources: [endpoints, services] }]
- level: None
  userGroups: ["system:authenticated"]
  nonResourceURLs: ["/api*", "/version"]
- level: RequestResponse
  resources: [{ group: "", resources: [pods] }]
- level: Metadata
  resources: [{ group: "", resources: ["pods/log", "pods/status"] }]
- level: None
  resources: [{ group: "", resources: [configmaps], resourceNames: [controller-leader] }]
- level: Request
  omitManagedFields: false
  omitStages: [ResponseStarted]
  resources: [{ group: "", resources: [configmaps, "*/scale", "nodes/*"] }]
  namespaces: [kube-system, ""]
- level: Metadata
  resources: [{ group: extensions }, { group: apps, resources: ["*"] }]
`);

const cases = [
  { url: "/api/v1/services?watch=true", user: "system:kube-proxy", level: undefined, reason: "an ignored user" },
  { url: "/version", groups: ["system:authenticated"], level: undefined, reason: "a path" },
  { url: "/apis", groups: ["system:authenticated"], level: undefined, reason: "a path by prefix" },
  { url: "/version", groups: [], level: undefined, reason: "no rule for anonymous callers of paths" },
  { url: "/api/v1/namespaces/a/pods/x", level: "RequestResponse", reason: "a resource" },
  { url: "/api/v1/namespaces/a/pods/x/log", level: "Metadata", reason: "a subresource is not its resource" },
  { url: "/api/v1/namespaces/a/pods/x/eviction", level: undefined, reason: "nor another subresource" },
  { url: "/api/v1/namespaces/kube-system/configmaps/controller-leader", level: undefined, reason: "one name" },
  { url: "/api/v1/namespaces/kube-system/configmaps/other", level: "Request", reason: "another name" },
  { url: "/api/v1/namespaces/a/configmaps/other", level: undefined, reason: "another namespace" },
  { url: "/api/v1/nodes/n/proxy", level: "Request", reason: "every subresource, no namespace" },
  { url: "/apis/extensions/v1/things", level: "Metadata", reason: "a whole group" },
  { url: "/apis/apps/v1/deployments/x/scale", level: "Metadata", reason: "* takes subresources too" },
];
test.each(cases)("$reason: $url is $level", ({ level, reason: _reason, ...asked }) => {
  expect(ruleFor(policy, request(asked))?.level).toBe(level);
});

test("stages and managed fields are set for all rules or for one", () => {
  const rules = policy.rules.map(({ omitStages, omitManagedFields }) => ({ omitStages, omitManagedFields }));
  expect(rules[2]).toEqual({ omitStages: ["RequestReceived"], omitManagedFields: true });
  expect(rules[5]).toEqual({ omitStages: ["RequestReceived", "ResponseStarted"], omitManagedFields: false });
});

test("rules look at who called, not at whom they acted as", () => {
  const ctx = request({ url: "/api/v1/services?watch=true", user: "grace" });
  ctx.impersonator = { name: "system:kube-proxy", groups: [] };
  expect(ruleFor(policy, ctx)).toBeUndefined();
});

test("by default every write is told of but heartbeats, and no read", () => {
  expect(ruleFor(defaultPolicy, request({ method: "DELETE", url: "/api/v1/nodes/x" }))?.level).toBe("Metadata");
  expect(ruleFor(defaultPolicy, request())).toBeUndefined();
  const lease = "/apis/coordination.k8s.io/v1/namespaces/a/leases/x";
  expect(ruleFor(defaultPolicy, request({ method: "PATCH", url: lease }))).toBeUndefined();
});

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";
const wrong = [
  { text: "[]", says: "must be an object" },
  { text: "kind: Policy\napiVersion: audit.k8s.io/v1beta1\nrules: [{level: None}]", says: "must be of apiVersion" },
  { text: head, says: "rules of the audit policy must be a list with a rule" },
  {
    text: `${head}rules: [{}]`,
    says: "rules[0].level of the audit policy is [null]: must be of None, Metadata, Request, RequestResponse",
  },
  {
    text: `${head}rules: [{level: None}, {level: metadata}]`,
    says: 'rules[1].level of the audit policy is ["metadata"]: must be of None, Metadata, Request, RequestResponse',
  },
  {
    text: `${head}rules: [{level: None, users: ada}]`,
    says: 'rules[0].users of the audit policy is "ada": must be of strings',
  },
  {
    text: `${head}rules: [{level: None, omitStages: [Never]}]`,
    says: "must be of RequestReceived, ResponseStarted, ResponseComplete, Panic",
  },
  {
    text: `${head}rules: [{level: None, nonResourceURLs: ["/a"], namespaces: [a]}]`,
    says: "rules[0] of the audit policy must be about resources or about nonResourceURLs, not both",
  },
  {
    text: `${head}rules: [{level: None, resources: [pods]}]`,
    says: "rules[0].resources[0] of the audit policy must be an object",
  },
];
test.each(wrong)("says what is wrong: $says", ({ text, says }) => {
  expect(() => parsePolicy(text)).toThrow(says);
});
