/** What holds for every patch of every type, sensible or not. */
import { describe, expect, test } from "@jest/globals";
import { ApiError } from "@krate/kinds";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../json.ts";
import { cloneJson, equalJson, isObject } from "../json.ts";
import { compileSchema } from "../schema/compile.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch } from "./strategic.ts";

const key = fc.constantFrom("a", "b", "list", "name", "~/", "constructor", "$patch", "$setElementOrder/list");
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<JsonValue>(null, true, 0, 1.5, "", "x", "replace", "delete", "merge"),
    fc.array(tie("value"), { maxLength: 3 }) as fc.Arbitrary<JsonValue>,
    fc.dictionary(key, tie("value"), { maxKeys: 3 }) as fc.Arbitrary<JsonValue>,
  ),
}));
const object = fc.dictionary(key, value, { maxKeys: 4 }) as fc.Arbitrary<JsonObject>;
const pointer = fc
  .array(fc.oneof(key, fc.constantFrom("0", "1", "-", "~2", "__proto__")), { maxLength: 3 })
  .map((parts) => parts.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join(""));
const operation = fc.record(
  {
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "dance"),
    path: pointer,
    from: pointer,
    value,
  },
  { requiredKeys: ["op", "path"] },
);

/** The result, or undefined for a refusal; anything but a refusal of the client's mistake fails. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ApiError) || error.code >= 500) throw error;
    return undefined;
  }
}

/** RFC 7386 backwards: the patch that makes `after` out of `before`. Neither may hold null. */
function mergeDiff(before: JsonObject, after: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch[name] = null;
  for (const [name, next] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (isObject(next) && isObject(old)) patch[name] = mergeDiff(old, next);
    else if (old === undefined || !equalJson(old, next)) patch[name] = next;
  }
  return patch;
}

function withoutNulls(from: JsonValue): JsonValue {
  if (Array.isArray(from)) return from;
  if (!isObject(from)) return from;
  const members = Object.entries(from).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNulls(member as JsonValue)]));
}
const plain = object.map((each) => withoutNulls(each) as JsonObject);

const { schema } = compileSchema({
  type: "object",
  properties: {
    a: { type: "object", additionalProperties: { type: "string" } },
    list: {
      type: "array",
      items: { type: "object", properties: { name: { type: "string" } }, "x-kubernetes-preserve-unknown-fields": true },
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "name",
    },
  },
});

describe("merge patch", () => {
  test("the difference of two objects turns the one into the other, once and again", () => {
    fc.assert(
      fc.property(plain, plain, (before, after) => {
        const patch = mergeDiff(before, after);
        const once = applyMergePatch(before, patch);
        expect(once).toEqual(after);
        expect(applyMergePatch(once, patch)).toEqual(once);
      }),
    );
  });
});

describe("JSON patch", () => {
  test("any operations either apply whole or are refused with a 4xx, and change neither object nor patch", () => {
    fc.assert(
      fc.property(object, fc.array(operation, { maxLength: 4 }), (document, operations) => {
        const before = [cloneJson(document), cloneJson(operations as unknown as JsonValue)];
        attempt(() => applyJsonPatch(document, operations));
        expect([document, operations]).toEqual(before);
        expect(Object.getPrototypeOf({})).toBe(Object.prototype);
      }),
      { numRuns: 500 },
    );
  });

  test("what was added is there, and removing it gives what was before", () => {
    fc.assert(
      fc.property(object, value, (document, added) => {
        const there = applyJsonPatch(document, [{ op: "add", path: "/new", value: added }]);
        expect(there["new"]).toEqual(added);
        expect(applyJsonPatch(there, [{ op: "remove", path: "/new" }])).toEqual(document);
      }),
    );
  });
});

describe("strategic merge patch", () => {
  test("any patch either applies or is refused with a 4xx, and changes neither object nor patch", () => {
    fc.assert(
      fc.property(object, object, (document, patch) => {
        const before = [cloneJson(document), cloneJson(patch)];
        attempt(() => applyStrategicMergePatch(document, patch, schema));
        expect([document, patch]).toEqual(before);
      }),
      { numRuns: 500 },
    );
  });

  test("a patch of keyed items merges by key and may be applied again", () => {
    const item = fc.record(
      { name: fc.constantFrom("x", "y", "z"), b: fc.integer({ min: 0, max: 3 }) },
      { requiredKeys: ["name"] },
    );
    const items = fc.uniqueArray(item, { selector: ({ name }) => name });
    fc.assert(
      fc.property(items, items, (before, patch) => {
        const once = applyStrategicMergePatch({ list: before }, { list: patch }, schema);
        const names = (once["list"] as JsonObject[] | undefined)?.map(({ name }) => name) ?? [];
        expect(new Set(names).size).toBe(names.length);
        for (const each of patch) expect(once["list"]).toEqual(expect.arrayContaining([expect.objectContaining(each)]));
        expect(applyStrategicMergePatch(once, { list: patch }, schema)).toEqual(once);
      }),
    );
  });
});
