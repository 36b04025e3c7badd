/** What policies may say. Each scenario is about Wheels with its own label. */
import type { JsonObject } from "@krate/apimachinery";
import type { Step } from "../step.ts";
import { group, namespace, run, wheel, wheels } from "./definition.ts";
import { create, remove, update } from "./webhook-scenarios.ts";

export interface PolicyScenario {
  /** Also the name of the object. */
  id: string;
  type: "validating" | "mutating";
  /** `spec` over the usual one. */
  policy: JsonObject;
  /** `spec` of each binding over the usual one. @defaultValue one */
  bindings?: JsonObject[];
  steps?: Omit<Step, "name">[];
  /** Only status codes and reasons are compared, for this reason. */
  statusOnly?: string;
}

const merge = "application/merge-patch+json";
const rule = (more: JsonObject = {}): JsonObject => ({
  apiGroups: [group],
  apiVersions: ["v1"],
  operations: ["CREATE", "UPDATE"],
  resources: ["wheels"],
  ...more,
});
const rules = (...resourceRules: JsonObject[]): JsonObject => ({ matchConstraints: { resourceRules } });
const validations = (...list: JsonObject[]): JsonObject => ({ validations: list });
const no = { expression: "false", message: "no" };
/** A kind of this run only: kube-apiserver does not follow one again after the last policy about it went. */
const params = { paramKind: { apiVersion: `${group}/v1`, kind: "Wheel" } };
const paramRef = (ref: JsonObject): JsonObject => ({ paramRef: { parameterNotFoundAction: "Deny", ...ref } });
/** Parameters that are there, with label `limits: yes`. */
export const parameters: JsonObject[] = [1, 2].map((size) =>
  wheel(`limits-${size}`, {
    metadata: { name: `limits-${size}`, namespace, labels: { limits: "yes" } },
    spec: { size },
  }),
);
const within = { expression: "object.spec.size <= params.spec.size", message: "too large" };

const validating: Omit<PolicyScenario, "type">[] = [
  { id: "v-holds", policy: validations({ expression: "object.spec.color == 'red'" }) },
  { id: "v-message", policy: validations(no) },
  { id: "v-no-message", policy: validations({ expression: " object.spec.color == 'blue' " }) },
  {
    id: "v-message-expression",
    policy: validations({ expression: "false", messageExpression: "'is ' + object.spec.color" }),
  },
  {
    id: "v-message-expression-fails",
    policy: validations({ ...no, messageExpression: "string(object.spec.missing)" }),
  },
  {
    id: "v-message-expression-dyn",
    policy: validations({ ...no, messageExpression: "object.spec.missing" }),
  },
  { id: "v-message-expression-empty", policy: validations({ expression: "false", messageExpression: "'  '" }) },
  { id: "v-message-expression-lines", policy: validations({ ...no, messageExpression: "'a\\nb'" }) },
  ...["Forbidden", "Invalid", "RequestEntityTooLarge"].map((reason) => ({
    id: `v-reason-${reason.toLowerCase()}`,
    policy: validations({ ...no, reason }),
  })),
  {
    id: "v-several",
    policy: validations({ expression: "true" }, { ...no, message: "first" }, { ...no, message: "second" }),
  },
  { id: "v-warn", policy: validations(no), bindings: [{ validationActions: ["Warn"] }] },
  { id: "v-audit", policy: validations(no), bindings: [{ validationActions: ["Audit"] }] },
  {
    id: "v-warn-audit",
    policy: validations(no, { ...no, message: "also" }),
    bindings: [{ validationActions: ["Warn", "Audit"] }],
  },
  { id: "v-two-bindings", policy: validations(no), bindings: [{ validationActions: ["Warn"] }, {}] },
  { id: "v-error", policy: validations({ expression: "object.spec.missing == 'x'" }) },
  {
    id: "v-error-ignored",
    policy: { ...validations({ expression: "object.spec.missing == 'x'" }), failurePolicy: "Ignore" },
  },
  {
    id: "v-error-and-denial",
    policy: { ...validations({ expression: "object.spec.missing == 'x'" }, no), failurePolicy: "Ignore" },
  },
  {
    id: "v-condition",
    policy: { ...validations(no), matchConditions: [{ name: "c", expression: "object.spec.color == 'red'" }] },
  },
  {
    id: "v-condition-false",
    policy: { ...validations(no), matchConditions: [{ name: "c", expression: "object.spec.color == 'blue'" }] },
  },
  {
    id: "v-condition-fails",
    policy: { ...validations(no), matchConditions: [{ name: "c", expression: "object.spec.missing == 1" }] },
  },
  {
    id: "v-condition-fails-ignored",
    policy: {
      ...validations(no),
      failurePolicy: "Ignore",
      matchConditions: [{ name: "c", expression: "object.spec.missing == 1" }],
    },
  },
  {
    id: "v-variables",
    policy: {
      ...validations({ expression: "variables.b > 3", messageExpression: "'b is ' + string(variables.b)" }),
      variables: [
        { name: "a", expression: "object.spec.size + 1" },
        { name: "b", expression: "variables.a + 1" },
      ],
    },
  },
  {
    id: "v-variable-fails",
    policy: {
      ...validations({ expression: "variables.a" }),
      variables: [{ name: "a", expression: "object.spec.missing == 1" }],
    },
  },
  {
    id: "v-unused-variable",
    policy: { ...validations({ expression: "true" }), variables: [{ name: "a", expression: "object.spec.missing" }] },
  },
  {
    id: "v-namespace",
    policy: validations({
      expression: "false",
      messageExpression: "namespaceObject.metadata.labels['kind'] + has(namespaceObject.status.phase).string()",
    }),
    statusOnly: "it does not compile, in other words",
  },
  {
    id: "v-namespace-labels",
    policy: validations({ expression: "namespaceObject.metadata.labels['kind'] != 'adm'", message: "not here" }),
  },
  {
    id: "v-param",
    policy: { ...params, ...validations(within) },
    bindings: [paramRef({ name: "limits-1", namespace })],
    steps: [create("v-param"), update("v-param", { spec: { size: 2 } })],
  },
  {
    id: "v-params",
    policy: { ...params, ...validations(within) },
    bindings: [paramRef({ selector: { matchLabels: { limits: "yes" } } })],
    steps: [create("v-params", { spec: { size: 2 } }), create("v-params")],
  },
  { id: "v-param-missing", policy: { ...params, ...validations(within) }, bindings: [paramRef({ name: "gone" })] },
  {
    id: "v-param-missing-allowed",
    policy: { ...params, ...validations(within) },
    bindings: [{ paramRef: { name: "gone", parameterNotFoundAction: "Allow" } }],
  },
  {
    id: "v-param-missing-ignored",
    policy: { ...params, ...validations(within), failurePolicy: "Ignore" },
    bindings: [paramRef({ name: "gone" })],
  },
  {
    id: "v-param-missing-warn",
    policy: { ...params, ...validations(within) },
    bindings: [{ ...paramRef({ name: "gone" }), validationActions: ["Warn"] }],
  },
  {
    id: "v-params-none-selected",
    policy: { ...params, ...validations(within) },
    bindings: [paramRef({ selector: { matchLabels: { limits: "no" } } })],
  },
  {
    id: "v-param-kind-unknown",
    policy: { paramKind: { apiVersion: "nowhere.example.com/v1", kind: "Nothing" }, ...validations(within) },
    bindings: [paramRef({ name: "x" })],
  },
  {
    id: "v-param-cluster-scoped",
    policy: {
      paramKind: { apiVersion: "v1", kind: "Namespace" },
      ...validations({ expression: "params.metadata.name == 'x'", message: "other" }),
    },
    bindings: [paramRef({ name: namespace, namespace })],
  },
  {
    id: "v-param-not-referenced",
    policy: { ...params, ...validations({ expression: "params != null", message: "no params" }) },
  },
  {
    id: "v-authorizer",
    policy: validations({
      expression: "!authorizer.group('').resource('secrets').namespace('default').check('get').allowed()",
      message: "may",
    }),
  },
  {
    id: "v-request-resource",
    policy: validations({ expression: "!authorizer.requestResource.check('delete').allowed()", message: "may" }),
  },
  {
    id: "v-excluded",
    policy: {
      ...validations(no),
      matchConstraints: { resourceRules: [rule()], excludeResourceRules: [rule({ operations: ["CREATE"] })] },
    },
  },
  { id: "v-named", policy: { ...validations(no), ...rules(rule({ resourceNames: ["v-named"] })) } },
  { id: "v-other-name", policy: { ...validations(no), ...rules(rule({ resourceNames: ["other"] })) } },
  {
    id: "v-equivalent",
    policy: {
      ...validations({
        expression: "false",
        messageExpression: "request.kind.version + ' ' + request.requestKind.version + ' ' + object.apiVersion",
      }),
      ...rules(rule({ apiVersions: ["v2"] })),
    },
  },
  {
    id: "v-exact",
    policy: {
      ...validations(no),
      matchConstraints: { matchPolicy: "Exact", resourceRules: [rule({ apiVersions: ["v2"] })] },
    },
  },
  {
    id: "v-delete",
    policy: {
      ...validations({ expression: "object != null || oldObject.spec.color != 'red'", message: "stays" }),
      ...rules(rule({ operations: ["DELETE"] })),
    },
    steps: [
      create("v-delete"),
      remove("v-delete"),
      { method: "DELETE", path: `${wheels}?labelSelector=scenario%3Dv-delete` },
    ],
  },
  {
    id: "v-update",
    policy: validations({
      expression: "request.operation == 'CREATE' || object.spec.size >= oldObject.spec.size",
      message: "may not shrink",
    }),
    steps: [
      create("v-update", { spec: { size: 5 } }),
      update("v-update", { spec: { size: 4 } }),
      update("v-update", { spec: { size: 6 } }),
    ],
  },
  {
    id: "v-status",
    policy: { ...validations(no), ...rules(rule({ resources: ["wheels/status"] })) },
    steps: [
      create("v-status"),
      { method: "PATCH", path: `${wheels}/v-status/status`, contentType: merge, body: { status: { phase: "x" } } },
    ],
  },
  {
    id: "v-generated",
    policy: validations(no),
    steps: [create("v-generated", { metadata: { generateName: "generated-", labels: { scenario: "v-generated" } } })],
  },
  {
    id: "v-binding-elsewhere",
    policy: validations(no),
    bindings: [{ matchResources: { namespaceSelector: { matchLabels: { kind: "other" } } } }],
  },
  {
    id: "v-binding-here",
    policy: validations(no),
    bindings: [{ matchResources: { namespaceSelector: { matchLabels: { kind: "adm" } } } }],
  },
  {
    id: "v-binding-operation",
    policy: validations(no),
    bindings: [{ matchResources: { resourceRules: [rule({ operations: ["UPDATE"] })] } }],
  },
  {
    id: "v-annotation-fails",
    policy: { auditAnnotations: [{ key: "a", valueExpression: "string(object.spec.missing)" }] },
  },
  {
    id: "v-annotation-fails-ignored",
    policy: {
      auditAnnotations: [{ key: "a", valueExpression: "string(object.spec.missing)" }],
      failurePolicy: "Ignore",
    },
  },
  {
    id: "v-annotation-dyn",
    policy: { auditAnnotations: [{ key: "a", valueExpression: "object.spec.missing" }] },
  },
  { id: "v-annotation-null", policy: { auditAnnotations: [{ key: "a", valueExpression: "null" }] } },
  {
    id: "v-annotation",
    policy: { auditAnnotations: [{ key: "a", valueExpression: "'size ' + string(object.spec.size)" }] },
  },
  {
    id: "v-costly",
    statusOnly: "here an expression may not hold the server for long, whatever it costs",
    policy: validations({
      expression:
        "object.spec.tags.all(a, object.spec.tags.all(b, object.spec.tags.all(c, object.spec.tags.all(d, a.startsWith(b) || c.startsWith(d)))))",
    }),
    steps: [create("v-costly", { spec: { tags: Array.from({ length: 100 }, () => "tag") } })],
  },
  {
    id: "v-dry-run",
    policy: validations({ expression: "!request.dryRun", message: "dry" }),
    steps: [create("v-dry-run", {}, "?dryRun=All")],
  },
  {
    id: "v-options",
    policy: validations({ expression: "request.options.fieldManager != 'me'", message: "me" }),
    steps: [create("v-options", {}, "?fieldManager=me")],
  },
];

const set = (expression: string, more: JsonObject = {}): JsonObject => ({
  mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }],
  ...more,
});
const patch = (expression: string, more: JsonObject = {}): JsonObject => ({
  mutations: [{ patchType: "JSONPatch", jsonPatch: { expression } }],
  ...more,
});
const label = (key: string, value: string) =>
  `Object{metadata: Object.metadata{labels: {${JSON.stringify(key)}: ${value}}}}`;

const mutating: Omit<PolicyScenario, "type">[] = [
  { id: "m-set", policy: set("Object{spec: Object.spec{color: 'blue'}}") },
  { id: "m-label", policy: set(label("added", "object.spec.color")) },
  { id: "m-nothing", policy: set("Object{}") },
  { id: "m-same", policy: set("Object{spec: Object.spec{color: object.spec.color}}") },
  {
    id: "m-list-map",
    policy: set("Object{spec: Object.spec{parts: [Object.spec.parts{name: 'b', size: 3}]}}"),
    steps: [
      create("m-list-map", {
        spec: {
          parts: [
            { name: "a", size: 1 },
            { name: "b", size: 2 },
          ],
        },
      }),
    ],
  },
  { id: "m-atomic", policy: set("Object{spec: Object.spec{tags: ['x']}}") },
  { id: "m-unknown-field", policy: set("Object{spec: Object.spec{unknown: 'x'}}") },
  { id: "m-wrong-type", policy: set("Object{spec: Object.spec{size: 'x'}}"), statusOnly: "another merger's words" },
  { id: "m-wrong-type-name", policy: set("Object{spec: Object.status{color: 'blue'}}") },
  { id: "m-breaks-schema", policy: set("Object{spec: Object.spec{color: 'green'}}") },
  { id: "m-fails", policy: set("Object{spec: Object.spec{color: object.spec.missing}}") },
  {
    id: "m-fails-ignored",
    policy: set("Object{spec: Object.spec{color: object.spec.missing}}", { failurePolicy: "Ignore" }),
  },
  {
    id: "m-condition-false",
    policy: set(label("added", "'x'"), { matchConditions: [{ name: "c", expression: "false" }] }),
  },
  {
    id: "m-condition-fails",
    policy: set(label("added", "'x'"), { matchConditions: [{ name: "c", expression: "object.spec.missing == 1" }] }),
  },
  {
    id: "m-variables",
    policy: set(label("added", "variables.a"), { variables: [{ name: "a", expression: "'v-' + object.spec.color" }] }),
  },
  {
    id: "m-param",
    policy: set(label("max", "string(params.spec.size)"), params),
    bindings: [paramRef({ name: "limits-2", namespace })],
  },
  {
    id: "m-param-missing",
    policy: set(label("max", "string(params.spec.size)"), params),
    bindings: [paramRef({ name: "gone", namespace })],
  },
  { id: "m-json", policy: patch("[JSONPatch{op: 'add', path: '/spec/size', value: object.spec.size + 6}]") },
  {
    id: "m-json-several",
    policy: patch(
      "[JSONPatch{op: 'test', path: '/spec/color', value: 'red'}, JSONPatch{op: 'replace', path: '/spec/color', value: 'blue'}]",
    ),
  },
  {
    id: "m-json-test-fails",
    policy: patch(
      "[JSONPatch{op: 'test', path: '/spec/color', value: 'blue'}, JSONPatch{op: 'replace', path: '/spec/size', value: 9}]",
    ),
  },
  {
    id: "m-json-escape",
    policy: patch(
      "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a.example.com/b'), value: 'x'}]",
    ),
  },
  {
    id: "m-json-object",
    policy: patch(
      "[JSONPatch{op: 'add', path: '/spec/parts', value: []}, JSONPatch{op: 'add', path: '/spec/parts/0', value: Object.spec.parts{name: 'a', size: 1}}]",
    ),
  },
  { id: "m-json-move", policy: patch("[JSONPatch{op: 'copy', from: '/spec/color', path: '/metadata/labels/color'}]") },
  {
    id: "m-json-nowhere",
    policy: patch("[JSONPatch{op: 'remove', path: '/spec/missing'}]"),
    statusOnly: "another patcher's words",
  },
  { id: "m-json-empty", policy: patch("[]") },
  {
    id: "m-two-mutations",
    policy: {
      mutations: [
        { patchType: "ApplyConfiguration", applyConfiguration: { expression: "Object{spec: Object.spec{size: 4}}" } },
        {
          patchType: "JSONPatch",
          jsonPatch: { expression: "[JSONPatch{op: 'replace', path: '/spec/size', value: object.spec.size + 1}]" },
        },
      ],
    },
  },
  {
    id: "m-equivalent",
    policy: { ...set(label("version", "request.kind.version")), ...rules(rule({ apiVersions: ["v2"] })) },
  },
  { id: "m-reinvoked", policy: set(label("size", "string(object.spec.size)"), { reinvocationPolicy: "IfNeeded" }) },
  {
    id: "m-grows",
    policy: patch("[JSONPatch{op: 'replace', path: '/spec/size', value: object.spec.size + 1}]", {
      reinvocationPolicy: "IfNeeded",
    }),
    bindings: [{}, {}],
  },
  {
    id: "m-update",
    policy: set(label("was", "oldObject == null ? 'nothing' : string(oldObject.spec.size)")),
    steps: [create("m-update"), update("m-update", { spec: { size: 2 } })],
  },
  {
    id: "m-applied",
    policy: set(label("added", "'x'")),
    steps: [
      {
        method: "PATCH",
        path: `${wheels}/m-applied?fieldManager=me`,
        contentType: "application/apply-patch+yaml",
        body: wheel("m-applied"),
      },
    ],
  },
];

export const policyScenarios: readonly PolicyScenario[] = [
  ...validating.map((each) => ({ ...each, type: "validating" as const })),
  ...mutating.map((each) => ({ ...each, type: "mutating" as const })),
];

/** A policy and its bindings, with the paths to post them to. */
export function objectsOf({ id, type, policy, bindings = [{}] }: PolicyScenario): { path: string; body: JsonObject }[] {
  const prefix = type === "validating" ? "Validating" : "Mutating";
  const base = "/apis/admissionregistration.k8s.io/v1";
  const name = `${id}.${run}`;
  const { matchConstraints, ...rest } = policy;
  const spec = {
    matchConstraints: {
      resourceRules: [rule()],
      objectSelector: { matchLabels: { scenario: id } },
      ...(matchConstraints as JsonObject | undefined),
    },
    ...(type === "mutating" && { reinvocationPolicy: "Never" }),
    ...rest,
  };
  const object = (kind: string, objectName: string, objectSpec: JsonObject) => ({
    path: `${base}/${kind.toLowerCase().replace(/y$/, "ie")}s`,
    body: { apiVersion: "admissionregistration.k8s.io/v1", kind, metadata: { name: objectName }, spec: objectSpec },
  });
  return [
    object(`${prefix}AdmissionPolicy`, name, spec),
    ...bindings.map((more, index) =>
      object(`${prefix}AdmissionPolicyBinding`, `${id}-${index}.${run}`, {
        policyName: name,
        ...(type === "validating" && { validationActions: ["Deny"] }),
        ...more,
      }),
    ),
  ];
}
