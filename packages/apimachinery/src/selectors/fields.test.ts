import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { formatFieldSelector, matchesFields, parseFieldSelector, requiredValue } from "./fields.ts";

const object = {
  metadata: { name: "a", namespace: "n" },
  spec: { repository: "web", number: 7, merged: false, odd: "a,b=c\\d" },
};
const cases = [
  { text: "", matches: true, reason: "nothing required" },
  { text: "metadata.name=a", matches: true, reason: "=" },
  { text: "metadata.name==b", matches: false, reason: "==" },
  { text: "metadata.name!=b,spec.repository=web", matches: true, reason: "conjunction" },
  { text: "spec.number=7", matches: true, reason: "numbers as text" },
  { text: "spec.merged=false", matches: true, reason: "booleans as text" },
  { text: "spec.missing=", matches: true, reason: "a missing field is the empty string" },
  { text: "spec.odd=a\\,b\\=c\\\\d", matches: true, reason: "escapes" },
  { text: "spec.constructor.name=", matches: true, reason: "inherited members do not exist" },
];

describe("field selectors", () => {
  it.each(cases)("$text: $reason", ({ text, matches }) => {
    expect(matchesFields(parseFieldSelector(text), object)).toBe(matches);
  });

  it.each(["a", "a=b=c", "a=\\x", "a=b\\"])("refuses %p as a bad request", (text) => {
    expect(() => parseFieldSelector(text)).toThrow(expect.objectContaining({ code: 400 }));
  });

  it("refuses fields that are not selectable, in kube-apiserver's words", () => {
    expect(() => parseFieldSelector("spec.x=1", { supported: ["spec.y"] })).toThrow(
      "field label not supported: spec.x",
    );
    expect(parseFieldSelector("metadata.name=x", { supported: [] })).toHaveLength(1);
  });

  it("tells which value a field must have", () => {
    expect(requiredValue(parseFieldSelector("metadata.name=x,a!=b"), "metadata.name")).toBe("x");
    expect(requiredValue(parseFieldSelector("metadata.name!=x"), "metadata.name")).toBeUndefined();
  });

  it("reads back what it writes", () => {
    const term = fc.record({
      field: fc.stringMatching(/^[a-z]+(\.[a-z]+)?$/),
      operator: fc.constantFrom("Equals" as const, "NotEquals" as const),
      value: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(term, { maxLength: 4 }), (selector) => {
        expect(parseFieldSelector(formatFieldSelector(selector))).toEqual(selector);
      }),
    );
  });
});
