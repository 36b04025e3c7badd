import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import { compileSchema } from "./compile.ts";
import type { Schema } from "./types.ts";

const schema: Schema = {
  type: "object",
  required: ["spec"],
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      required: ["title"],
      properties: {
        title: { type: "string", minLength: 1, maxLength: 10 },
        state: { type: "string", enum: ["Open", "Closed"], default: "Open" },
        count: { type: "integer", minimum: 1, maximum: 5 },
        ratio: { type: "number", minimum: 0, exclusiveMinimum: true },
        name: { type: "string", pattern: "^[a-z]+$" },
        port: { "x-kubernetes-int-or-string": true },
        when: { type: "string", format: "date-time" },
        maybe: { type: "string", nullable: true },
        tags: { type: "array", items: { type: "string" }, maxItems: 2, minItems: 1, "x-kubernetes-list-type": "set" },
        steps: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            required: ["name"],
            properties: { name: { type: "string" }, retries: { type: "integer", default: 3 } },
          },
        },
        env: { type: "object", additionalProperties: { type: "string" }, maxProperties: 1 },
        free: {
          type: "object",
          "x-kubernetes-preserve-unknown-fields": true,
          properties: { known: { type: "object" } },
        },
        template: {
          type: "object",
          "x-kubernetes-embedded-resource": true,
          "x-kubernetes-preserve-unknown-fields": true,
        },
        one: {
          type: "object",
          properties: { a: { type: "string" }, b: { type: "string" } },
          oneOf: [{ required: ["a"] }, { required: ["b"] }],
        },
        any: { type: "object", properties: { a: { type: "string" } }, anyOf: [{ required: ["a"] }] },
      },
    },
  },
};
const compiled = compileSchema(schema);

function objectOf(spec: JsonObject): JsonObject {
  return { apiVersion: "x/v1", kind: "X", metadata: { name: "a" }, spec: { title: "t", ...spec } };
}

const messages = [
  { spec: { title: undefined }, error: "spec.title: Required value", reason: "required" },
  {
    spec: { title: 3 },
    error: 'spec.title: Invalid value: "integer": spec.title in body must be of type string: "integer"',
    reason: "type",
  },
  {
    spec: { state: "Lost" },
    error: 'spec.state: Unsupported value: "Lost": supported values: "Open", "Closed"',
    reason: "enum",
  },
  {
    spec: { title: "" },
    error: 'spec.title: Invalid value: "": spec.title in body should be at least 1 chars long',
    reason: "minLength",
  },
  {
    spec: { title: "x".repeat(11) },
    error: "spec.title: Too long: may not be more than 10 bytes",
    reason: "maxLength",
  },
  {
    spec: { count: 0 },
    error: "spec.count: Invalid value: 0: spec.count in body should be greater than or equal to 1",
    reason: "minimum",
  },
  {
    spec: { count: 9 },
    error: "spec.count: Invalid value: 9: spec.count in body should be less than or equal to 5",
    reason: "maximum",
  },
  {
    spec: { ratio: 0 },
    error: "spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0",
    reason: "exclusive bound",
  },
  {
    spec: { name: "A" },
    error: "spec.name: Invalid value: \"A\": spec.name in body should match '^[a-z]+$'",
    reason: "pattern",
  },
  {
    spec: { port: true },
    error: 'spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean"',
    reason: "int-or-string",
  },
  {
    spec: { when: "noon" },
    error: 'spec.when: Invalid value: "noon": spec.when in body must be of type date-time: "noon"',
    reason: "format",
  },
  { spec: { tags: ["a", "b", "c"] }, error: "spec.tags: Too many: 3: must have at most 2 items", reason: "maxItems" },
  {
    spec: { tags: [] },
    error: "spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items",
    reason: "minItems",
  },
  { spec: { tags: ["a", "a"] }, error: 'spec.tags[1]: Duplicate value: "a"', reason: "a set" },
  {
    spec: { steps: [{ name: "a" }, { name: "a" }] },
    error: 'spec.steps[1]: Duplicate value: {"name":"a"}',
    reason: "a list map",
  },
  {
    spec: { steps: [{ name: "a" }, {}] },
    error: "spec.steps[1].name: Required value",
    reason: "a path through a list",
  },
  {
    spec: { env: { a: "1", b: "2" } },
    error: "spec.env: Too many: 2: must have at most 1 item",
    reason: "maxProperties",
  },
  {
    spec: { env: { a: 1 } },
    error: 'spec.env.a: Invalid value: "integer": spec.env.a in body must be of type string: "integer"',
    reason: "map values",
  },
  {
    spec: { one: {} },
    error: 'spec.one: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
    reason: "oneOf",
  },
  {
    spec: { any: {} },
    error: 'spec.any: Invalid value: "": "spec.any" must validate at least one schema (anyOf)',
    reason: "anyOf",
  },
  {
    spec: { template: { kind: "Pod" } },
    error: "spec.template.apiVersion: Required value",
    reason: "embedded resources name their type",
  },
];

describe("compileSchema", () => {
  it.each(messages)("speaks as kube-apiserver about $reason", ({ spec, error }) => {
    const object = JSON.parse(JSON.stringify(objectOf(spec))) as JsonObject;
    expect(compiled.validate(object).map(({ field, message }) => `${field}: ${message}`)).toEqual([error]);
  });

  it("accepts a whole object, counting characters and not bytes", () => {
    expect(
      compiled.validate(objectOf({ title: "😀".repeat(10), port: "http", maybe: null, when: "2026-02-28T10:00:00Z" })),
    ).toEqual([]);
  });

  it("checks metadata by ObjectMeta's own schema", () => {
    const object = { ...objectOf({}), metadata: { name: "a", labels: { a: 1 } } };
    expect(compiled.validate(object)[0]?.field).toBe("metadata.labels.a");
  });

  it("does not take inherited members for required fields", () => {
    const tricky = compileSchema({ type: "object", required: ["constructor", "toString"] });
    expect(tricky.validate({})).toHaveLength(2);
  });

  it("answers in linear time for patterns that backtrack elsewhere", () => {
    const hostile = compileSchema({ type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } });
    expect(hostile.validate({ a: `${"a".repeat(20_000)}!` })).toHaveLength(1);
  });

  it("limits the number of errors", () => {
    const object = objectOf({ steps: Array.from({ length: 1000 }, () => ({})) });
    expect(compiled.validate(object)).toHaveLength(100);
  });

  it("does not hold against an update what it did not change", () => {
    const old = objectOf({ name: "OLD", count: 2 });
    expect(compiled.validate(objectOf({ name: "OLD", count: 3 }), old)).toEqual([]);
    expect(compiled.validate(objectOf({ name: "NEW", count: 3 }), old)).toHaveLength(1);
  });

  it("prunes unknown fields and says where they were", () => {
    const object = objectOf({
      unknown: 1,
      steps: [{ name: "a", foo: 1 }],
      free: { anything: { goes: 1 }, known: { no: 1 } },
      template: { apiVersion: "v1", kind: "Pod", metadata: { name: "a", nope: 1 }, spec: { x: 1 } },
    });
    object.extra = true;
    (object.metadata as JsonObject).wrong = "x";
    expect(compiled.prune(object)).toEqual([
      "extra",
      "metadata.wrong",
      "spec.free.known.no",
      "spec.steps[0].foo",
      "spec.template.metadata.nope",
      "spec.unknown",
    ]);
    expect(object).toEqual(
      objectOf({
        steps: [{ name: "a" }],
        free: { anything: { goes: 1 }, known: {} },
        template: { apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec: { x: 1 } },
      }),
    );
  });

  it("drops nulls that mean nothing, such as Go clients' creationTimestamp", () => {
    const object = {
      ...objectOf({ name: null, maybe: null, state: null }),
      metadata: { name: "a", creationTimestamp: null },
    };
    compiled.prune(object);
    compiled.applyDefaults(object);
    expect(object).toEqual(objectOf({ maybe: null, state: "Open" }));
  });

  it("sets defaults at every depth without sharing them", () => {
    const one = objectOf({ steps: [{ name: "a" }, { name: "b", retries: 1 }] });
    compiled.applyDefaults(one);
    expect(one.spec).toEqual({
      title: "t",
      state: "Open",
      steps: [
        { name: "a", retries: 3 },
        { name: "b", retries: 1 },
      ],
    });
  });

  it("follows references, also cyclic ones", () => {
    const tree = compileSchema(
      { $ref: "#/components/schemas/x.Tree" },
      {
        "x.Tree": {
          type: "object",
          properties: {
            name: { type: "string" },
            children: { type: "array", items: { allOf: [{ $ref: "#/definitions/x.Tree" }], default: {} } },
          },
        },
      },
    );
    const object = { name: "a", children: [{ name: "b", children: [{ name: 3 }], odd: 1 }] };
    expect(tree.prune(object)).toEqual(["children[0].odd"]);
    expect(tree.validate(object)[0]?.field).toBe("children[0].children[0].name");
  });
});
