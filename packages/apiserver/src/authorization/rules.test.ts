import { describe, expect, test } from "@jest/globals";
import type { AuthorizationAttributes } from "../services.ts";
import { allows, compileRule, covers, type PolicyRule } from "./rules.ts";

const asked = (more: Partial<AuthorizationAttributes>): AuthorizationAttributes => ({
  user: { name: "ada", groups: [] },
  verb: "get",
  group: "",
  version: "v1",
  resource: "pods",
  subresource: "",
  namespace: "ns",
  name: "a",
  ...more,
});

const rule: PolicyRule = { verbs: ["get", "list"], apiGroups: [""], resources: ["pods", "*/scale"] };

const cases = [
  { rule, ask: {}, allowed: true, reason: "verb, group and resource match" },
  { rule, ask: { verb: "delete" }, allowed: false, reason: "another verb" },
  { rule, ask: { group: "apps" }, allowed: false, reason: "another group" },
  { rule, ask: { subresource: "log" }, allowed: false, reason: "a resource does not include its subresources" },
  { rule, ask: { resource: "things", subresource: "scale" }, allowed: true, reason: "a subresource of any resource" },
  { rule: { ...rule, resources: ["*"] }, ask: { subresource: "log" }, allowed: true, reason: "star is everything" },
  { rule: { ...rule, resourceNames: ["b"] }, ask: {}, allowed: false, reason: "another name" },
  { rule: { ...rule, resourceNames: ["a"] }, ask: { name: "" }, allowed: false, reason: "names do not allow lists" },
  {
    rule: { verbs: ["get"], nonResourceURLs: ["/apis/*"] },
    ask: { path: "/apis/x" },
    allowed: true,
    reason: "a path prefix",
  },
  {
    rule: { verbs: ["get"], nonResourceURLs: ["/apis"] },
    ask: { path: "/apis/x" },
    allowed: false,
    reason: "a path is exact",
  },
  {
    rule: { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
    ask: { path: "/metrics" },
    allowed: false,
    reason: "resources are no paths",
  },
];

test.each(cases)("$allowed: $reason", ({ rule, ask, allowed }) => {
  expect(allows(compileRule(rule), asked(ask))).toBe(allowed);
});

describe("covers", () => {
  const held: PolicyRule[] = [rule, { verbs: ["update"], apiGroups: [""], resources: ["pods"], resourceNames: ["a"] }];
  const wanted = [
    {
      wanted: { verbs: ["get"], apiGroups: [""], resources: ["pods"] },
      covered: true,
      reason: "a part of what is held",
    },
    {
      wanted: { verbs: ["get", "update"], apiGroups: [""], resources: ["pods"], resourceNames: ["a"] },
      covered: true,
      reason: "by two rules together",
    },
    {
      wanted: { verbs: ["update"], apiGroups: [""], resources: ["pods"] },
      covered: false,
      reason: "all names are more than one",
    },
    {
      wanted: { verbs: ["*"], apiGroups: [""], resources: ["pods"] },
      covered: false,
      reason: "all verbs are more than two",
    },
    {
      wanted: { verbs: ["get"], apiGroups: ["*"], resources: ["pods"] },
      covered: false,
      reason: "all groups are more than one",
    },
    {
      wanted: { verbs: ["get"], apiGroups: [""], resources: ["things/scale"] },
      covered: true,
      reason: "a subresource of any resource",
    },
  ];
  test.each(wanted)("$covered: $reason", ({ wanted: each, covered }) => {
    expect(covers(held, each)).toBe(covered);
  });
});
