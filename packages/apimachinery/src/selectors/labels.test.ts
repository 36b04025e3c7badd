import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { krateNormalizers } from "./index.ts";
import type { LabelSelector } from "./labels.ts";
import { formatLabelSelector, labelSelectorOf, matchesLabels, parseLabelSelector, requirement } from "./labels.ts";

const cases = [
  { text: "", labels: { a: "b" }, matches: true, reason: "an empty selector selects everything" },
  { text: "a=b", labels: { a: "b" }, matches: true, reason: "=" },
  { text: "a==b", labels: { a: "c" }, matches: false, reason: "==" },
  { text: "a!=b", labels: {}, matches: true, reason: "!= holds where the label is missing" },
  { text: "a=", labels: { a: "" }, matches: true, reason: "an empty value" },
  { text: "a=", labels: {}, matches: false, reason: "an empty value is not a missing label" },
  { text: "a in (b, c)", labels: { a: "c" }, matches: true, reason: "in" },
  { text: "a in (,b)", labels: { a: "" }, matches: true, reason: "an empty value in a set" },
  { text: "a notin (b,c)", labels: { a: "b" }, matches: false, reason: "notin" },
  { text: "a notin (b)", labels: undefined, matches: true, reason: "notin holds without labels" },
  { text: "a", labels: { a: "x" }, matches: true, reason: "exists" },
  { text: "!a", labels: { a: "x" }, matches: false, reason: "does not exist" },
  { text: " x , !y,z in (1) ", labels: { x: "", z: "1" }, matches: true, reason: "white space, conjunction" },
  { text: "a.b/c-d=e_f", labels: { "a.b/c-d": "e_f" }, matches: true, reason: "a prefixed key" },
  {
    text: "in in (in)",
    labels: { in: "in" },
    matches: true,
    reason: "words are no keywords where a key or value stands",
  },
  { text: "n>5", labels: { n: "6" }, matches: true, reason: "greater than" },
  { text: "n<5", labels: { n: "x" }, matches: false, reason: "less than needs a number" },
  { text: "constructor", labels: {}, matches: false, reason: "inherited members are no labels" },
];

const malformed = [
  "a b",
  "a in b",
  "a in (",
  "a in ()x",
  "=a",
  "a,,b",
  "a,",
  "!",
  "a=b=c",
  "a in (b))",
  "-a=b",
  "a=b:c",
  "a>x",
  "a/b/c",
  `a=${"x".repeat(64)}`,
  "!a=b",
];

describe("label selectors", () => {
  it.each(cases)("$text on $labels: $reason", ({ text, labels, matches }) => {
    expect(matchesLabels(parseLabelSelector(text), labels as Record<string, string> | undefined)).toBe(matches);
  });

  it.each(malformed)("refuses %p as a bad request", (text) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ code: 400 }));
  });

  it("normalises failure signatures before it looks at them (C-05)", () => {
    const selector = parseLabelSelector("failure.signature=auth_test:142", { normalize: krateNormalizers });
    expect(matchesLabels(selector, { "failure.signature": "auth_test_142" })).toBe(true);
    expect(formatLabelSelector(selector)).toBe("failure.signature=auth_test_142");
  });

  it("takes the object form", () => {
    const selector = labelSelectorOf({
      matchLabels: { b: "1" },
      matchExpressions: [{ key: "a", operator: "NotIn", values: ["x", "y"] }],
    });
    expect(formatLabelSelector(selector)).toBe("a notin (x,y),b=1");
    expect(() => labelSelectorOf({ matchExpressions: [{ key: "a", operator: "Is" }] })).toThrow(/supported values/);
  });

  it("reads back what it writes", () => {
    const key = fc.stringMatching(/^[a-z]([a-z.]{0,6}[a-z])?$/);
    const value = fc.stringMatching(/^([a-z0-9]([a-z_.-]{0,5}[a-z0-9])?)?$/);
    const set = fc.array(value, { minLength: 1, maxLength: 4 });
    const each = fc.oneof(
      fc.tuple(key, fc.constantFrom("In" as const, "NotIn" as const), set),
      fc.tuple(key, fc.constantFrom("Exists" as const, "DoesNotExist" as const), fc.constant([] as string[])),
      fc.tuple(
        key,
        fc.constantFrom("GreaterThan" as const, "LessThan" as const),
        fc.nat().map((n) => [String(n)]),
      ),
    );
    fc.assert(
      fc.property(fc.array(each, { maxLength: 5 }), (list) => {
        const selector: LabelSelector = list.map(([k, operator, values]) => requirement(k, operator, values));
        const sorted = [...selector].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
        expect(parseLabelSelector(formatLabelSelector(sorted))).toEqual(sorted);
      }),
    );
  });
});
