import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { JsonObject } from "../json.ts";
import { applyMergePatch } from "./merge-patch.ts";

/** The examples of RFC 7386, appendix A, whose target and patch are objects. */
const examples: [JsonObject, JsonObject, JsonObject][] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  [{ a: "foo" }, { b: null }, { a: "foo" }],
];

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(
    fc.string({ maxLength: 3 }).filter((key) => key !== "__proto__"),
    tie("value"),
    { maxKeys: 4, noNullPrototype: true },
  ),
}));

describe("applyMergePatch", () => {
  it.each(examples)("RFC 7386: %j + %j = %j", (target, patch, result) => {
    expect(applyMergePatch(target, patch)).toEqual(result);
  });

  it("is idempotent, keeps what the patch does not name, and changes neither argument", () => {
    fc.assert(
      fc.property(json.object as fc.Arbitrary<JsonObject>, json.object as fc.Arbitrary<JsonObject>, (target, patch) => {
        const before = JSON.stringify([target, patch]);
        const once = applyMergePatch(target, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
        for (const key of Object.keys(target)) if (!Object.hasOwn(patch, key)) expect(once[key]).toEqual(target[key]);
        expect(JSON.stringify([target, patch])).toBe(before);
      }),
    );
  });

  it("never reaches a prototype", () => {
    applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":{"polluted":1}}}') as JsonObject);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});
