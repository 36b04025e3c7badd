import { describe, expect, it } from "@jest/globals";
import type { JsonObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { applyStrategicMergePatch } from "./strategic.ts";

const text: Schema = { type: "string" };
const schema: Schema = {
  type: "object",
  properties: {
    name: text,
    merged: {
      type: "array",
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "name",
      items: {
        type: "object",
        properties: {
          name: text,
          value: text,
          ports: {
            type: "array",
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "port",
            items: { type: "object" },
          },
        },
      },
    },
    set: { type: "array", items: text, "x-kubernetes-patch-strategy": "merge" },
    plain: { type: "array", items: text },
    strategy: {
      type: "object",
      "x-kubernetes-patch-strategy": "retainKeys",
      properties: { type: text, rolling: { type: "object" } },
    },
    whole: { type: "object", "x-kubernetes-patch-strategy": "replace" },
    map: { type: "object", additionalProperties: text },
  },
};
const list = (...names: string[]) => names.map((name) => ({ name }));

const cases: { original: JsonObject; patch: JsonObject; result: JsonObject; reason: string }[] = [
  {
    original: { merged: [{ name: "1", value: "a", ports: [{ port: 1 }] }, { name: "2" }] },
    patch: { merged: [{ name: "1", value: "b", ports: [{ port: 2 }] }] },
    result: { merged: [{ name: "1", value: "b", ports: [{ port: 2 }, { port: 1 }] }, { name: "2" }] },
    reason: "merges items by key, also nested, patch items first",
  },
  {
    original: { merged: list("1") },
    patch: { merged: list("3") },
    result: { merged: list("3", "1") },
    reason: "adds an item",
  },
  {
    original: { merged: list("1", "2") },
    patch: { merged: [{ name: "1", $patch: "delete" }] },
    result: { merged: list("2") },
    reason: "deletes an item",
  },
  {
    original: { merged: list("1", "2") },
    patch: { merged: [{ name: "3" }, { $patch: "replace" }] },
    result: { merged: list("3") },
    reason: "replaces a list",
  },
  {
    original: { map: { a: "1" } },
    patch: { map: { b: "2", $patch: "replace" } },
    result: { map: { b: "2" } },
    reason: "replaces a map",
  },
  { original: { map: { a: "1" } }, patch: { map: { $patch: "delete" } }, result: { map: {} }, reason: "empties a map" },
  {
    original: { map: { a: "1", b: "2" } },
    patch: { map: { a: null } },
    result: { map: { b: "2" } },
    reason: "removes a member",
  },
  {
    original: { set: ["a", "b", "c"] },
    patch: { "$deleteFromPrimitiveList/set": ["b"], set: ["d"] },
    result: { set: ["d", "a", "c"] },
    reason: "deletes from and adds to a list of values",
  },
  {
    original: { set: ["a", "b"] },
    patch: { "$setElementOrder/set": ["c", "b", "a"], set: ["c"] },
    result: { set: ["c", "b", "a"] },
    reason: "orders a list of values",
  },
  {
    original: { merged: list("1", "2", "server") },
    patch: { "$setElementOrder/merged": [{ name: "2" }, { name: "3" }, { name: "1" }], merged: list("3") },
    result: { merged: list("2", "3", "1", "server") },
    reason: "orders a list of objects and keeps what only the server has",
  },
  {
    original: { merged: list("server", "1", "2") },
    patch: { "$setElementOrder/merged": [{ name: "2" }, { name: "1" }] },
    result: { merged: list("server", "2", "1") },
    reason: "orders without a change",
  },
  {
    original: { plain: ["a"] },
    patch: { plain: ["b"] },
    result: { plain: ["b"] },
    reason: "replaces lists without a strategy",
  },
  {
    original: { strategy: { type: "Rolling", rolling: { max: 1 } } },
    patch: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
    result: { strategy: { type: "Recreate" } },
    reason: "retains only named keys (a Deployment's strategy)",
  },
  {
    original: { whole: { a: 1 } },
    patch: { whole: { b: 2 } },
    result: { whole: { b: 2 } },
    reason: "replaces by strategy",
  },
  {
    original: {},
    patch: {
      merged: [
        { name: "1", value: null },
        { name: "2", $patch: "delete" },
      ],
      map: { a: null, b: "1" },
    },
    result: { merged: list("1"), map: { b: "1" } },
    reason: "takes a new field without nulls and directives",
  },
  {
    original: { other: [1] },
    patch: { other: [2], more: { a: 1 } },
    result: { other: [2], more: { a: 1 } },
    reason: "merges unknown fields plainly",
  },
];

const refused: { patch: JsonObject; says: RegExp; reason: string }[] = [
  { patch: { map: { $patch: "sort" } }, says: /unknown patch type/, reason: "an unknown directive" },
  { patch: { merged: [{ value: "x" }] }, says: /merge key: name/, reason: "an item without its key" },
  {
    patch: { strategy: { $retainKeys: ["rolling"], type: "x" } },
    says: /retainKeys/,
    reason: "a key set but not retained",
  },
  { patch: { "$setElementOrder/set": "x" }, says: /setElementOrder/, reason: "an order that is no list" },
  {
    patch: { "$setElementOrder/set": ["a"], set: ["b"] },
    says: /doesn't match/,
    reason: "an order that leaves out an item",
  },
  { patch: { "$deleteFromPrimitiveList/set": "x" }, says: /primitive list/, reason: "a deletion that is no list" },
];

describe("applyStrategicMergePatch", () => {
  it.each(cases)("$reason", ({ original, patch, result }) => {
    const before = JSON.stringify([original, patch]);
    expect(applyStrategicMergePatch(original, patch, schema)).toEqual(result);
    expect(JSON.stringify([original, patch])).toBe(before);
  });

  it.each(refused)("refuses $reason", ({ patch, says }) => {
    const original = { map: { a: "1" }, merged: list("1"), set: ["a"], strategy: { type: "y" } };
    expect(() => applyStrategicMergePatch(original, patch, schema)).toThrow(says);
  });
});
