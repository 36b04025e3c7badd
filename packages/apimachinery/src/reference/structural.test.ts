/** What kube-apiserver refuses in a CustomResourceDefinition's schema is refused here, in the same words. */
import { expect, test } from "@jest/globals";
import { eventually, skipWithout, withControlPlane } from "@krate/testing";
import { checkStructural } from "../schema/index.ts";
import type { Schema } from "../schema/types.ts";
import { causesOf, ReferenceKind } from "./custom-resource.ts";

const string: Schema = { type: "string" };
const item = (more: Schema = {}): Schema => ({
  type: "object",
  required: ["name"],
  properties: { name: string },
  ...more,
});

/** Each is the schema of `spec`, or of the whole object where it has a key `root`. */
const wrong: Record<string, Schema | { root: Schema }> = {
  "no type": { properties: { a: string } },
  "no type of a member": { type: "object", properties: { a: { description: "x" } } },
  "no type of items": { type: "array", items: {} },
  "no items": { type: "array" },
  "items as a list": { type: "array", items: [string] as unknown as Schema },
  "null as a type": { type: "null" },
  "members and values": { type: "object", properties: { a: string }, additionalProperties: string },
  uniqueItems: { type: "array", items: string, uniqueItems: true },
  "a malformed pattern": { type: "string", pattern: "(" },
  "a list map without keys": { type: "array", items: item(), "x-kubernetes-list-type": "map" },
  "keys without a list map": { type: "array", items: item(), "x-kubernetes-list-map-keys": ["name"] },
  "keys that are no members": {
    type: "array",
    items: item(),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["other"],
  },
  "a key that may be missing": {
    type: "array",
    items: item({ required: [] }),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  },
  "a list map of strings": {
    type: "array",
    items: string,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  },
  "a set of granular objects": { type: "array", items: item(), "x-kubernetes-list-type": "set" },
  "a list type of an object": { type: "object", "x-kubernetes-list-type": "set" },
  "a map type of a list": { type: "array", items: string, "x-kubernetes-map-type": "atomic" },
  "an unknown list type": { type: "array", items: string, "x-kubernetes-list-type": "bag" },
  "preserve false": { type: "object", "x-kubernetes-preserve-unknown-fields": false },
  "int-or-string that preserves": { "x-kubernetes-int-or-string": true, "x-kubernetes-preserve-unknown-fields": true },
  "an embedded resource without a type": {
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-preserve-unknown-fields": true,
  },
  "a type in anyOf": { type: "object", properties: { a: string }, anyOf: [{ type: "object" }] },
  "a description in allOf": {
    type: "object",
    properties: { a: string },
    allOf: [{ properties: { a: { description: "x" } } }],
  },
  "a default in oneOf": { type: "object", properties: { a: string }, oneOf: [{ properties: { a: { default: "x" } } }] },
  "a root that is no object": { root: { type: "string" } },
  "values at the root": { root: { type: "object", additionalProperties: string } },
  "labels in metadata": {
    root: { type: "object", properties: { metadata: { type: "object", properties: { labels: { type: "object" } } } } },
  },
  "a kind that is no string": { root: { type: "object", properties: { kind: { type: "integer" } } } },
};

const right: Record<string, Schema> = {
  "int-or-string written out": { anyOf: [{ type: "integer" }, { type: "string" }], "x-kubernetes-int-or-string": true },
  "a branch that only validates": {
    type: "object",
    properties: { a: string, b: string },
    oneOf: [{ required: ["a"] }, { required: ["b"] }],
  },
  "an embedded resource": {
    type: "object",
    "x-kubernetes-embedded-resource": true,
    "x-kubernetes-preserve-unknown-fields": true,
  },
  "a list map whose key has a default": {
    type: "array",
    items: item({ required: [], properties: { name: { type: "string", default: "x" } } }),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
  },
};

const at = "spec.validation.openAPIV3Schema";

function whole(schema: Schema | { root: Schema }): Schema {
  return "root" in schema ? schema.root : { type: "object", properties: { spec: schema } };
}

skipWithout("envtest")("structural schemas beside kube-apiserver", () => {
  const controlPlane = withControlPlane();

  test.each(Object.entries(wrong))("refused: %s", async (_title, schema) => {
    const there = await new ReferenceKind(controlPlane(), eventually).define(whole(schema), { dryRun: true });
    const here = checkStructural(whole(schema), at).map(({ field, message }) => `${field}: ${message}`);
    const theirs = causesOf(there.body).map((cause) => cause.replace("spec.versions[0].schema.openAPIV3Schema", at));
    expect([...new Set(here)].sort()).toEqual([...new Set(theirs)].sort());
  });

  test.each(Object.entries(right))("accepted: %s", async (_title, schema) => {
    const there = await new ReferenceKind(controlPlane(), eventually).define(whole(schema), { dryRun: true });
    expect(causesOf(there.body)).toEqual([]);
    expect(checkStructural(whole(schema), at)).toEqual([]);
  });
});
