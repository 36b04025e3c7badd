import { expect, test } from "@jest/globals";
import { compileMatcher, type MatchedObjects, type Matcher, matchOf, type Subject } from "./match.ts";

const subject: Subject = {
  operation: "CREATE",
  group: "apps",
  version: "v1",
  resource: "deployments",
  subresource: "",
  namespaced: true,
  isNamespace: false,
  name: "web",
};
const labelled = (labels: Record<string, string>) => ({ metadata: { labels } });
const rule = { operations: ["CREATE"], apiGroups: ["apps"], apiVersions: ["v1"], resources: ["deployments"] };
const objects = { object: labelled({ tier: "front" }), oldObject: undefined, namespace: labelled({ env: "prod" }) };

const others = ["v1", "v1beta1"].map((version) => ({ group: "apps", version, plural: "deployments" }));
const matches = (matcher: Matcher, of: Subject, objects: MatchedObjects) =>
  matchOf(matcher, of, objects, () => others) !== undefined;

const cases = [
  { match: {}, hit: true, reason: "no constraint" },
  { match: { resourceRules: [rule] }, hit: true, reason: "the rule names it" },
  { match: { resourceRules: [{ ...rule, operations: ["UPDATE"] }] }, hit: false, reason: "another operation" },
  {
    match: { resourceRules: [{ ...rule, operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"] }] },
    hit: true,
    reason: "stars",
  },
  {
    match: { resourceRules: [{ ...rule, resources: ["deployments/status"] }] },
    hit: false,
    reason: "its subresource only",
  },
  {
    match: { resourceRules: [{ ...rule, resources: ["*/*"] }] },
    hit: true,
    reason: "everything with and without subresource",
  },
  { match: { resourceRules: [{ ...rule, resourceNames: ["api"] }] }, hit: false, reason: "another name" },
  { match: { resourceRules: [{ ...rule, scope: "Cluster" }] }, hit: false, reason: "cluster-scoped objects only" },
  {
    match: { resourceRules: [{ ...rule, apiVersions: ["v1beta1"] }] },
    hit: true,
    reason: "another version of the same resource",
  },
  {
    match: { resourceRules: [{ ...rule, apiVersions: ["v1beta1"] }], matchPolicy: "Exact" },
    hit: false,
    reason: "exactly that version",
  },
  {
    match: { resourceRules: [rule], excludeResourceRules: [{ ...rule, resourceNames: ["web"] }] },
    hit: false,
    reason: "excluded by name",
  },
  {
    match: { resourceRules: [rule], namespaceSelector: { matchLabels: { env: "dev" } } },
    hit: false,
    reason: "another namespace",
  },
  {
    match: { resourceRules: [rule], objectSelector: { matchLabels: { tier: "front" } } },
    hit: true,
    reason: "the object's labels",
  },
  {
    match: { resourceRules: [rule], objectSelector: { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] } },
    hit: false,
    reason: "a label that is there",
  },
];

test.each(cases)("$hit: $reason", ({ match, hit }) => {
  expect(matches(compileMatcher(match), subject, objects)).toBe(hit);
});

test("dropping a label does not escape a policy", () => {
  const matcher = compileMatcher({
    resourceRules: [{ ...rule, operations: ["UPDATE"] }],
    objectSelector: { matchLabels: { guard: "on" } },
  });
  const update = { object: labelled({}), oldObject: labelled({ guard: "on" }), namespace: undefined };
  expect(matches(matcher, { ...subject, operation: "UPDATE" }, update)).toBe(true);
});

test("what a rule names decides in which version the object is shown", () => {
  const named = (apiVersions: string[]) =>
    matchOf(compileMatcher({ resourceRules: [{ ...rule, apiVersions }] }), subject, objects, () => others);
  expect(named(["v1beta1", "v1"])).toBe("itself");
  expect(named(["v1beta1"])).toEqual({ group: "apps", version: "v1beta1", plural: "deployments" });
  expect(named(["v2"])).toBeUndefined();
});
