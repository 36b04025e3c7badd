/** Webhook configurations and policies that are wrong: both servers refuse the same, for the same reasons. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { JsonObject } from "@krate/apimachinery";
import { skipWithout, withControlPlane } from "@krate/testing";
import { type RealServer, realServer } from "../../testing/real-server.ts";
import { type Asker, askerOf } from "../asker.ts";
import { normalize } from "../normalize.ts";

// Two servers, one of which may be waking up.
jest.setTimeout(60_000);

const registration = "/apis/admissionregistration.k8s.io/v1";

interface Case {
  reason: string;
  plural: string;
  body: JsonObject;
  /** Only status and fields are compared, for this reason. */
  fieldsOnly?: string;
  /** Only the status is compared, for this reason. */
  statusOnly?: string;
}

const rule: JsonObject = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] };
const entry: JsonObject = {
  name: "a.example.com",
  clientConfig: { url: "https://localhost/x" },
  rules: [rule],
  sideEffects: "None",
  admissionReviewVersions: ["v1"],
};
const hook = (reason: string, more: JsonObject, rest: Partial<Case> = {}): Case => ({
  reason,
  plural: "validatingwebhookconfigurations",
  body: { metadata: { name: "bad" }, webhooks: [{ ...entry, ...more }] },
  ...rest,
});
const mutatingHook = (reason: string, more: JsonObject): Case => ({
  ...hook(reason, more),
  plural: "mutatingwebhookconfigurations",
});
const ruled = (reason: string, more: JsonObject): Case => hook(reason, { rules: [{ ...rule, ...more }] });
const url = (reason: string, text: string, rest: Partial<Case> = {}): Case =>
  hook(reason, { clientConfig: { url: text } }, rest);
const service = (reason: string, more: JsonObject, rest: Partial<Case> = {}): Case =>
  hook(reason, { clientConfig: { service: { namespace: "default", name: "x", ...more } } }, rest);
const swapped = "kube-apiserver takes one for the other";
const policy = (reason: string, spec: JsonObject, rest: Partial<Case> = {}): Case => ({
  reason,
  plural: "validatingadmissionpolicies",
  body: {
    metadata: { name: "bad" },
    spec: { matchConstraints: { resourceRules: [rule] }, validations: [{ expression: "true" }], ...spec },
  },
  ...rest,
});
const mutatingPolicy = (reason: string, spec: JsonObject, rest: Partial<Case> = {}): Case => ({
  reason,
  plural: "mutatingadmissionpolicies",
  body: {
    metadata: { name: "bad" },
    spec: {
      matchConstraints: { resourceRules: [rule] },
      reinvocationPolicy: "Never",
      mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{}" } }],
      ...spec,
    },
  },
  ...rest,
});
const binding = (reason: string, spec: JsonObject, plural = "validatingadmissionpolicybindings"): Case => ({
  reason,
  plural,
  body: {
    metadata: { name: "bad" },
    spec: { policyName: "p", ...(plural.startsWith("v") && { validationActions: ["Deny"] }), ...spec },
  },
});
const words = "another compiler's words";

const cases: Case[] = [
  hook("all is well", {}),
  hook("no name", { name: "" }),
  hook("a name of two parts", { name: "example.com" }),
  hook("a name that is no domain", { name: "A_b.example.com" }),
  hook("no side effects said", { sideEffects: null }, { fieldsOnly: "the schema says so first" }),
  hook("unknown side effects", { sideEffects: "Some" }),
  hook("an unknown failure policy", { failurePolicy: "Perhaps" }),
  hook("an unknown match policy", { matchPolicy: "Perhaps" }),
  hook("a timeout of nothing", { timeoutSeconds: 0 }),
  hook("a long timeout", { timeoutSeconds: 31 }),
  hook("no review versions", { admissionReviewVersions: [] }),
  hook("unknown review versions", { admissionReviewVersions: ["v9"] }),
  hook("a review version twice", { admissionReviewVersions: ["v1", "v1"] }),
  hook("no client", { clientConfig: {} }),
  hook("two clients", { clientConfig: { url: "https://localhost", service: { namespace: "a", name: "b" } } }),
  url("a plain URL", "http://localhost"),
  url("a URL with a user", "https://user:secret@localhost"),
  url("a URL with a query", "https://localhost/?a=b"),
  url("a URL with a fragment", "https://localhost/#a"),
  url("no URL", "not a url", { fieldsOnly: "another parser's words" }),
  service("a service without name", { name: "" }, { statusOnly: swapped }),
  service("a service without namespace", { namespace: "" }, { statusOnly: swapped }),
  service("a port of nothing", { port: 0 }),
  service("a high port", { port: 70_000 }),
  service("a path without slash", { path: "a" }),
  service("a path with an empty segment", { path: "/a//b" }),
  service("a path with a bad segment", { path: "/A" }),
  hook(
    "a bad selector",
    { objectSelector: { matchExpressions: [{ key: "a", operator: "Is" }] } },
    { statusOnly: "the whole selector is told" },
  ),
  ruled("a rule without operations", { operations: [] }),
  ruled("an unknown operation", { operations: ["READ"] }),
  ruled("all operations and one", { operations: ["*", "CREATE"] }),
  ruled("a rule without groups", { apiGroups: [] }),
  ruled("all groups and one", { apiGroups: ["*", ""] }),
  ruled("a rule without versions", { apiVersions: [] }),
  ruled("an empty version", { apiVersions: [""] }),
  ruled("a rule without resources", { resources: [] }),
  ruled("an empty resource", { resources: [""] }),
  ruled("everything and something", { resources: ["*/*", "a"] }),
  ruled("all resources and one", { resources: ["*", "a"] }),
  ruled("a resource's subresources and one of them", { resources: ["a/*", "a/b"] }),
  ruled("an unknown scope", { scope: "Village" }),
  hook("a condition without name", { matchConditions: [{ name: "", expression: "true" }] }),
  hook("a condition with a bad name", { matchConditions: [{ name: "a b", expression: "true" }] }),
  hook(
    "two conditions of one name",
    {
      matchConditions: [
        { name: "a", expression: "true" },
        { name: "a", expression: "true" },
      ],
    },
    { statusOnly: "the list map is told first" },
  ),
  hook("a condition without expression", { matchConditions: [{ name: "a", expression: " " }] }),
  hook(
    "a condition that does not compile",
    { matchConditions: [{ name: "a", expression: "object." }] },
    { fieldsOnly: words },
  ),
  hook("a condition that is no bool", { matchConditions: [{ name: "a", expression: "'x'" }] }),
  hook(
    "a condition about parameters",
    { matchConditions: [{ name: "a", expression: "params.x" }] },
    { fieldsOnly: words },
  ),
  hook("65 conditions", {
    matchConditions: Array.from({ length: 65 }, (_, index) => ({ name: `c${index}`, expression: "true" })),
  }),
  {
    ...hook("two webhooks of one name", {}),
    body: { metadata: { name: "bad" }, webhooks: [entry, entry] },
    statusOnly: "the list map is told first",
  },
  mutatingHook("an unknown reinvocation policy", { reinvocationPolicy: "Always" }),
  policy("a good policy", {}),
  policy("no constraints", { matchConstraints: null }),
  policy("no rules", { matchConstraints: {} }),
  policy("nothing to do", { validations: [] }),
  policy("an unknown failure policy", { failurePolicy: "Perhaps" }),
  policy("an empty expression", { validations: [{ expression: "" }] }),
  policy("an expression that is no bool", { validations: [{ expression: "1" }] }),
  policy("an expression that does not compile", { validations: [{ expression: "object.x +" }] }, { fieldsOnly: words }),
  policy("an unknown reason", { validations: [{ expression: "true", reason: "Teapot" }] }),
  policy("a message of white space", { validations: [{ expression: "true", message: "  " }] }),
  policy("a message of two lines", { validations: [{ expression: "true", message: "a\nb" }] }),
  policy("two lines without message", { validations: [{ expression: "true ||\n false" }] }),
  policy("a message expression that is no text", { validations: [{ expression: "true", messageExpression: "1" }] }),
  policy("a message expression of white space", { validations: [{ expression: "true", messageExpression: "  " }] }),
  policy(
    "a message expression that asks",
    {
      validations: [{ expression: "true", messageExpression: "string(authorizer.path('/x').check('get').allowed())" }],
    },
    { fieldsOnly: words },
  ),
  policy("a variable without name", { variables: [{ name: "", expression: "1" }] }),
  policy("a variable with a bad name", { variables: [{ name: "a-b", expression: "1" }] }),
  policy("a variable with a reserved name", { variables: [{ name: "in", expression: "1" }] }),
  policy("a variable without expression", { variables: [{ name: "a", expression: " " }] }),
  policy("an unknown variable", { validations: [{ expression: "variables.b" }] }, { fieldsOnly: words }),
  policy("parameters without kind", { validations: [{ expression: "params.x == 1" }] }, { fieldsOnly: words }),
  policy("a parameter kind without version", { paramKind: { kind: "ConfigMap" } }),
  policy("a parameter kind without kind", { paramKind: { apiVersion: "v1" } }),
  policy("a parameter kind of a strange version", { paramKind: { apiVersion: "a/b/c", kind: "ConfigMap" } }),
  policy("an annotation without key", { auditAnnotations: [{ key: "", valueExpression: "'x'" }] }),
  policy("an annotation without expression", { auditAnnotations: [{ key: "a", valueExpression: "" }] }),
  policy("an annotation that is a number", { auditAnnotations: [{ key: "a", valueExpression: "1" }] }),
  policy(
    "two annotations of one key",
    {
      auditAnnotations: [
        { key: "a", valueExpression: "'x'" },
        { key: "a", valueExpression: "'x'" },
      ],
    },
    { statusOnly: "the list map is told first" },
  ),
  binding("a good binding", {}),
  binding("no policy", { policyName: "" }),
  binding("a policy of a bad name", { policyName: "A" }),
  binding("no action", { validationActions: [] }),
  binding("an unknown action", { validationActions: ["Pray"] }),
  binding("an action twice", { validationActions: ["Deny", "Deny"] }),
  binding("Deny and Warn", { validationActions: ["Deny", "Warn"] }),
  binding("a reference to nothing", { paramRef: { parameterNotFoundAction: "Deny" } }),
  binding("a reference by name and label", { paramRef: { name: "a", selector: {}, parameterNotFoundAction: "Deny" } }),
  binding("a reference without action", { paramRef: { name: "a" } }),
  binding("a reference with an unknown action", { paramRef: { name: "a", parameterNotFoundAction: "Cry" } }),
  binding("a reference by a bad name", { paramRef: { name: "a/b", parameterNotFoundAction: "Deny" } }),
  mutatingPolicy("a good mutating policy", {}),
  mutatingPolicy("no mutations", { mutations: [] }),
  mutatingPolicy("no reinvocation policy", { reinvocationPolicy: null }),
  mutatingPolicy("an unknown reinvocation policy", { reinvocationPolicy: "Always" }),
  mutatingPolicy("a policy about deletes", {
    matchConstraints: { resourceRules: [{ ...rule, operations: ["DELETE"] }] },
  }),
  mutatingPolicy("a mutation without type", { mutations: [{ applyConfiguration: { expression: "Object{}" } }] }),
  mutatingPolicy("a mutation of an unknown type", { mutations: [{ patchType: "Magic" }] }),
  mutatingPolicy("a mutation without content", { mutations: [{ patchType: "JSONPatch" }] }),
  mutatingPolicy("a mutation of two types", {
    mutations: [
      {
        patchType: "JSONPatch",
        jsonPatch: { expression: "[JSONPatch{op: 'test'}]" },
        applyConfiguration: { expression: "Object{}" },
      },
    ],
  }),
  mutatingPolicy("a mutation without expression", {
    mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: "" } }],
  }),
  mutatingPolicy("a configuration that is a number", {
    mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression: "1" } }],
  }),
  mutatingPolicy("a patch that is an object", {
    mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: "Object{}" } }],
  }),
  mutatingPolicy(
    "a patch of an unknown field",
    { mutations: [{ patchType: "JSONPatch", jsonPatch: { expression: "[JSONPatch{operation: 'add'}]" } }] },
    { fieldsOnly: words },
  ),
  binding(
    "a mutating binding about deletes",
    { matchResources: { resourceRules: [{ ...rule, operations: ["DELETE"] }] } },
    "mutatingadmissionpolicybindings",
  ),
];

skipWithout("envtest")("wrong webhook configurations and policies", () => {
  const controlPlane = withControlPlane();
  let ours: RealServer;
  let askers: { theirs: Asker; ours: Asker };

  beforeAll(async () => {
    ours = await realServer();
    askers = { theirs: askerOf(controlPlane().kubeconfig), ours: askerOf(ours.kubeconfig) };
  }, 60_000);
  afterAll(async () => {
    for (const asker of Object.values(askers)) asker.close();
    await ours.stop();
  });

  test.each(cases)("$plural: $reason", async ({ reason, plural, body, fieldsOnly, statusOnly }) => {
    const step = { name: reason, method: "POST", path: `${registration}/${plural}?dryRun=All`, body };
    const answer = async (asker: Asker) => {
      const { status, body: said } = await asker.ask(step);
      if (status === 201 || statusOnly !== undefined) return { status };
      const { details, message } = normalize(said) as {
        details?: { causes?: [field: string, ...rest: string[]][] };
        message: string;
      };
      if (fieldsOnly === undefined) return { status, details, message };
      return { status, fields: [...new Set(details?.causes?.map(([field]) => field))] };
    };
    expect(await answer(askers.ours)).toEqual(await answer(askers.theirs));
  });
});
