import { expect, test } from "@jest/globals";
import { type MatchResources, type Place, type ResourceRule, reachOf } from "./rules.ts";

const place: Place = {
  namespace: "krate-org-demo",
  repository: "shop",
  namespaceLabels: { labels: { "kubernetes.io/metadata.name": "krate-org-demo", team: "red" }, isComplete: true },
};

const rule = (more: ResourceRule = {}): ResourceRule => ({
  apiGroups: ["forge.krate.a5c.ai"],
  apiVersions: ["v1alpha1"],
  resources: ["pullrequests"],
  operations: ["CREATE"],
  ...more,
});

const creates = [{ kind: "PullRequest", operations: ["CREATE"] }];
const never = { targets: [], onlyWhen: [] };

const everyKind = [
  ...["PullRequest", "Issue", "Review", "ReviewComment", "IssueComment"],
  ...["CheckRun", "Pipeline", "Job", "Repository"],
];

const cases: {
  reason: string;
  match: MatchResources;
  targets: { kind: string; operations: string[] }[];
  onlyWhen?: string[];
}[] = [
  { reason: "the group, version and resource are named", match: { resourceRules: [rule()] }, targets: creates },
  {
    reason: "wildcards name everything of a repository, the core group's objects do not count",
    match: { resourceRules: [{ apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: ["*"] }] },
    targets: everyKind.map((kind) => ({ kind, operations: ["*"] })),
  },
  {
    reason: "*/* names objects as well as their subresources",
    match: { resourceRules: [rule({ apiGroups: ["krate.a5c.ai"], resources: ["*/*"] })] },
    targets: [{ kind: "Repository", operations: ["CREATE"] }],
  },
  {
    reason: "pullrequests/* names the object too",
    match: { resourceRules: [rule({ resources: ["pullrequests/*"] })] },
    targets: creates,
  },
  {
    reason: "a subresource is told apart from its object",
    match: { resourceRules: [rule({ resources: ["pullrequests/status"], operations: ["UPDATE"] })] },
    targets: [{ kind: "PullRequest/status", operations: ["UPDATE"] }],
  },
  { reason: "another group", match: { resourceRules: [rule({ apiGroups: ["apps"] })] }, targets: [] },
  { reason: "another version", match: { resourceRules: [rule({ apiVersions: ["v1"] })] }, targets: [] },
  { reason: "another resource", match: { resourceRules: [rule({ resources: ["webhookdeliveries"] })] }, targets: [] },
  { reason: "only cluster-wide objects", match: { resourceRules: [rule({ scope: "Cluster" })] }, targets: [] },
  { reason: "namespaced objects", match: { resourceRules: [rule({ scope: "Namespaced" })] }, targets: creates },
  {
    reason: "several rules about one kind are one target",
    match: { resourceRules: [rule({ operations: ["UPDATE"] }), rule()] },
    targets: [{ kind: "PullRequest", operations: ["CREATE", "UPDATE"] }],
  },
  {
    reason: "an excluded operation is taken away",
    match: {
      resourceRules: [rule({ operations: ["*"] })],
      excludeResourceRules: [rule({ operations: ["DELETE", "CONNECT"] })],
    },
    targets: [{ kind: "PullRequest", operations: ["CREATE", "UPDATE"] }],
  },
  {
    reason: "all of it is excluded",
    match: { resourceRules: [rule()], excludeResourceRules: [rule({ operations: ["*"] })] },
    targets: [],
  },
  {
    reason: "an exclusion of certain names leaves the others",
    match: { resourceRules: [rule()], excludeResourceRules: [rule({ resourceNames: ["shop-1"] })] },
    targets: creates,
  },
  {
    reason: "certain names only",
    match: { resourceRules: [rule({ resourceNames: ["shop-1", "shop-2"] })] },
    targets: creates,
    onlyWhen: ["it is called shop-1 or shop-2"],
  },
  {
    reason: "the namespace carries the label",
    match: { resourceRules: [rule()], namespaceSelector: { matchLabels: { team: "red" } } },
    targets: creates,
  },
  {
    reason: "the namespace carries another value",
    match: { resourceRules: [rule()], namespaceSelector: { matchLabels: { team: "blue" } } },
    targets: [],
  },
  {
    reason: "the namespace is exempt by name",
    match: {
      resourceRules: [rule()],
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["krate-org-demo"] }],
      },
    },
    targets: [],
  },
  {
    reason: "the label that the server keeps on pull requests is of another repository",
    match: { resourceRules: [rule()], objectSelector: { matchLabels: { "krate.a5c.ai/repository": "other" } } },
    targets: [],
  },
  {
    reason: "the label that the server keeps is of this repository",
    match: { resourceRules: [rule()], objectSelector: { matchLabels: { "krate.a5c.ai/repository": "shop" } } },
    targets: creates,
  },
  {
    reason: "labels that people put are known with the object only",
    match: {
      resourceRules: [rule()],
      objectSelector: {
        matchExpressions: [
          { key: "risky", operator: "Exists" },
          { key: "area", operator: "In", values: ["a", "b"] },
        ],
      },
    },
    targets: creates,
    onlyWhen: ["the object has risky, area in (a, b)"],
  },
];

test.each(cases)("rules: $reason", ({ match, targets, onlyWhen = [] }) => {
  expect(reachOf([match], place)).toEqual({ targets, onlyWhen });
});

test("a label of a namespace that may not be read is a condition, its name is known all the same", () => {
  const hidden = {
    ...place,
    namespaceLabels: { labels: { "kubernetes.io/metadata.name": "krate-org-demo" }, isComplete: false },
  };
  const byLabel = { resourceRules: [rule()], namespaceSelector: { matchLabels: { team: "red" } } };
  const byName = {
    resourceRules: [rule()],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "elsewhere" } },
  };
  expect(reachOf([byLabel], hidden)).toEqual({ targets: creates, onlyWhen: ["the namespace has team=red"] });
  expect(reachOf([byName], hidden)).toEqual(never);
});

test("a binding narrows its policy and never widens it", () => {
  const policy = { resourceRules: [rule({ resources: ["pullrequests", "issues"], operations: ["CREATE", "UPDATE"] })] };
  const narrowed = (binding: MatchResources | undefined) => reachOf([policy, binding], place).targets;
  const both = ["CREATE", "UPDATE"];
  const all = [
    { kind: "PullRequest", operations: both },
    { kind: "Issue", operations: both },
  ];
  expect(narrowed(undefined)).toEqual(all);
  expect(narrowed({ namespaceSelector: {} })).toEqual(all);
  expect(narrowed({ resourceRules: [rule({ operations: ["*"] })] })).toEqual([
    { kind: "PullRequest", operations: both },
  ]);
  expect(narrowed({ resourceRules: [rule({ operations: ["DELETE"] })] })).toEqual([]);
  expect(narrowed({ namespaceSelector: { matchLabels: { team: "blue" } } })).toEqual([]);
});
