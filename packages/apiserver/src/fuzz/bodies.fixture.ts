/** Bodies that nobody sends on purpose. */
import type { JsonObject, JsonValue } from "@krate/apimachinery";
import fc from "fast-check";

const key = fc.constantFrom(
  ...[
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "status",
    "name",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
  ],
  ...[
    "managedFields",
    "uid",
    "resourceVersion",
    "generateName",
    "data",
    "stringData",
    "rules",
    "color",
    "size",
    "parts",
    "free",
    "__proto__x",
  ],
  ...["constructor", "op", "path", "value", "$patch", "f:spec", ".", ""],
);
const scalar = fc.oneof(
  fc.constantFrom<JsonValue>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    "",
    "a",
    "v1",
    "ConfigMap",
    "Gizmo",
    "fuzz.example.com/v1",
    "\u0000",
    "💥",
    "replace",
  ),
  fc.string({ maxLength: 12 }),
);
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    { weight: 3, arbitrary: scalar },
    { weight: 2, arbitrary: fc.dictionary(key, tie("value"), { maxKeys: 5 }) as fc.Arbitrary<JsonValue> },
    { weight: 1, arbitrary: fc.array(tie("value"), { maxLength: 4 }) as fc.Arbitrary<JsonValue> },
  ),
})).value;

/** Rules and expressions: pieces of CEL put together with no regard to whether they fit. */
const expression = fc
  .array(
    fc.constantFrom(
      ...[
        "self",
        "oldSelf",
        "object",
        "request",
        ".",
        "spec",
        "color",
        "size",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "?",
        ":",
        "&&",
        "||",
        "!",
        "==",
        "<",
        "+",
        "-",
        "*",
        "/",
      ],
      ...[
        "0",
        "1",
        "-9223372036854775808",
        "'x'",
        '"',
        "r'",
        "true",
        "null",
        "has(",
        ".all(x, ",
        ".map(x, ",
        ".exists(y, ",
        "matches('(a+)+$')",
        ".size()",
        "in",
        ",",
        "1u",
        "1e999",
      ],
      ...[
        "duration('1s')",
        "timestamp('x')",
        "dyn(",
        "type(",
        "optional.of(",
        ".?",
        "cel.bind(v, ",
        "quantity('1Gi')",
        "url('x')",
        "\n",
        "//",
        "\\",
      ],
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(""));

const policy = expression.map(
  (text): JsonObject => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "a" },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: ["*"], apiVersions: ["*"], operations: ["*"], resources: ["gizmos"] }],
      },
      variables: [{ name: "v", expression: text }],
      validations: [{ expression: text, messageExpression: text }],
      matchConditions: [{ name: "m", expression: text }],
    },
  }),
);
const definition = fc.tuple(expression, json).map(
  ([rule, schema]): JsonObject => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.other.example.com" },
    spec: {
      group: "other.example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              "x-kubernetes-validations": [{ rule, messageExpression: rule }],
              properties: { spec: schema },
            },
          },
        },
      ],
    },
  }),
);
/** Objects of the right kind for some path, their content anything. */
const typed = fc
  .tuple(
    fc.constantFrom(
      ["v1", "ConfigMap", "data"],
      ["v1", "Secret", "stringData"],
      ["v1", "Pod", "spec"],
      ["v1", "Namespace", "spec"],
      ["forge.krate.a5c.ai/v1alpha1", "Issue", "spec"],
      ["rbac.authorization.k8s.io/v1", "ClusterRole", "rules"],
      ["authorization.k8s.io/v1", "SubjectAccessReview", "spec"],
      ["authentication.k8s.io/v1", "TokenReview", "spec"],
      ["admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "webhooks"],
    ),
    json,
    json,
  )
  .map(([[apiVersion, kind, member], content, labels]) => ({
    apiVersion,
    kind,
    metadata: { name: "a", labels },
    [member as string]: content,
  }));
const sensibleSpec = fc.record(
  {
    color: fc.constantFrom("aaa", "b"),
    size: fc.integer({ min: -2, max: 9 }),
    parts: fc.array(fc.record({ name: fc.constantFrom("x", "y"), size: fc.nat() }), { maxLength: 3 }),
    free: json,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonValue>;
const gizmo = fc.oneof(json, sensibleSpec).map(
  (spec): JsonObject => ({
    apiVersion: "fuzz.example.com/v1",
    kind: "Gizmo",
    metadata: { name: "a", namespace: "default" },
    spec,
  }),
);
const patch = fc.array(
  fc.record(
    {
      op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "x"),
      path: fc.constantFrom("", "/", "/spec", "/metadata/labels/a", "/spec/parts/0", "/spec/parts/-", "a"),
      from: fc.constantFrom("/spec", "/metadata", ""),
      value: json,
    },
    { requiredKeys: ["op"] },
  ),
  { maxLength: 4 },
);
const yaml = fc.constantFrom(
  "a: b: c",
  "a: &a [*a]",
  "&x [*x]",
  "a: !!js/function 'x'",
  `a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\ne: &e [*d,*d]\nf: &f [*e,*e]\ng: &g [*f,*f]\nh: &h [*g,*g]\ni: [*h,*h,*h,*h]`,
  "---\na: 1\n---\nb: 2",
  "? [a]\n: b",
  "\t- x",
  "apiVersion: fuzz.example.com/v1\nkind: Gizmo\nmetadata: {name: a}\nspec: {color: red, color: blue}",
);
const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
/** Any body: objects, patches, policies and definitions that are almost right, and things that are nothing at all. */
export const body = fc.oneof(
  { weight: 4, arbitrary: gizmo.map(text) },
  { weight: 4, arbitrary: typed.map(text) },
  { weight: 2, arbitrary: json.map(text) },
  { weight: 2, arbitrary: patch.map(text) },
  { weight: 2, arbitrary: policy.map(text) },
  { weight: 2, arbitrary: definition.map(text) },
  { weight: 2, arbitrary: yaml.map((each) => Buffer.from(each)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 64 })
      .map((bytes) => Buffer.concat([Buffer.from("k8s\0"), Buffer.from(bytes)])),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        "[".repeat(100_000),
        `{"a":${'{"a":'.repeat(5000)}`,
        '{"metadata":{"name":"a"',
        `"${"x".repeat(100_000)}`,
      )
      .map((each) => Buffer.from(each)),
  },
);
