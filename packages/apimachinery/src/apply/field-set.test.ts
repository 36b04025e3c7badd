import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  decodeFieldSet,
  difference,
  differenceBelow,
  encodeFieldSet,
  equalSets,
  fieldSetOf,
  formatPath,
  intersection,
  pathsOf,
  union,
} from "./field-set.ts";

const fields = {
  "f:spec": {
    ".": {},
    "f:title": {},
    "f:steps": { 'k:{"name":"a"}': { ".": {}, "f:run": {} } },
    "f:tags": { 'v:"x"': {} },
    "f:plain": { "i:0": {} },
  },
};

describe("field sets", () => {
  it("read and write fieldsV1", () => {
    expect(encodeFieldSet(decodeFieldSet(fields))).toEqual(fields);
    expect(encodeFieldSet(decodeFieldSet({}))).toEqual({});
  });

  it("take one key written two ways as one", () => {
    const go = decodeFieldSet({ "f:l": { 'k:{"name":"a\\u003cb"}': {} } });
    const js = decodeFieldSet({ "f:l": { 'k:{"name":"a<b"}': {} } });
    expect(equalSets(go, js)).toBe(true);
  });

  it.each([{ "f:a": 1 }, { "x:a": {} }, [], "f"])("refuse %j", (value) => {
    expect(() => decodeFieldSet(value as never)).toThrow();
  });

  it("print paths as kube-apiserver does", () => {
    expect([...pathsOf(decodeFieldSet(fields))].map(formatPath)).toEqual([
      ".spec",
      ".spec.title",
      ".spec.plain[0]",
      '.spec.steps[name="a"]',
      '.spec.steps[name="a"].run',
      '.spec.tags[="x"]',
    ]);
  });

  it("know the difference between taking a parent and taking what is below", () => {
    const set = fieldSetOf(["f:a"], ["f:a", "f:b"], ["f:c"]);
    const parent = fieldSetOf(["f:a"]);
    expect(encodeFieldSet(difference(set, parent))).toEqual({ "f:a": { "f:b": {} }, "f:c": {} });
    expect(encodeFieldSet(differenceBelow(set, parent))).toEqual({ "f:c": {} });
  });

  it("obey the laws of sets", () => {
    const path = fc.array(fc.constantFrom("f:a", "f:b", 'v:"x"', "i:1"), { minLength: 1, maxLength: 4 });
    const set = fc.array(path, { maxLength: 8 }).map((paths) => fieldSetOf(...paths));
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(equalSets(union(a, b), union(b, a))).toBe(true);
        expect(equalSets(intersection(a, b), difference(a, difference(a, b)))).toBe(true);
        expect(equalSets(union(difference(a, b), intersection(a, b)), a)).toBe(true);
        expect(equalSets(decodeFieldSet(encodeFieldSet(a)), a)).toBe(true);
        expect([...pathsOf(difference(a, b))]).toHaveLength(
          [...pathsOf(a)].length - [...pathsOf(intersection(a, b))].length,
        );
      }),
    );
  });
});
