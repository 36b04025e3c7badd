import { expect, test } from "@jest/globals";
import { grantsOf, type Rule } from "./readable.ts";

const group = "krate.a5c.ai";
const nothing = { all: false, names: new Set<string>() };

test.each<[string, Rule[], { all: boolean; names: Set<string> }]>([
  ["no rules", [], nothing],
  ["everything", [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }], { all: true, names: new Set<string>() }],
  [
    "the content of all",
    [{ verbs: ["get"], apiGroups: [group], resources: ["repositories/content"] }],
    { all: true, names: new Set<string>() },
  ],
  [
    "content of every kind",
    [{ verbs: ["get"], apiGroups: [group], resources: ["*/content"] }],
    { all: true, names: new Set<string>() },
  ],
  [
    "the content of two",
    [{ verbs: ["get"], apiGroups: [group], resources: ["repositories/content"], resourceNames: ["a", "b"] }],
    { all: false, names: new Set(["a", "b"]) },
  ],
  ["the objects, not their content", [{ verbs: ["get"], apiGroups: [group], resources: ["repositories"] }], nothing],
  ["pushing only", [{ verbs: ["update"], apiGroups: [group], resources: ["repositories/content"] }], nothing],
  ["another group", [{ verbs: ["*"], apiGroups: ["apps"], resources: ["*"] }], nothing],
  ["a URL", [{ verbs: ["get"] }], nothing],
])("%s", (_what, rules, expected) => {
  expect(grantsOf(rules)).toEqual(expected);
});
