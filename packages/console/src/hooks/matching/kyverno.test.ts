import { expect, test } from "@jest/globals";
import { type KyvernoMatch, kyvernoReach, parseKindSelector, wildcardMatches } from "./kyverno.ts";
import type { Place } from "./rules.ts";

const place: Place = {
  namespace: "krate-org-demo",
  repository: "shop",
  namespaceLabels: { labels: { "kubernetes.io/metadata.name": "krate-org-demo", team: "red" }, isComplete: true },
};

/** Cases of ParseKindSelector in kyverno's kind_test.go, and ours. */
test.each([
  ["*", "*", "*", "*", ""],
  ["Pod", "*", "*", "Pod", ""],
  ["v1/Pod", "*", "v1", "Pod", ""],
  ["*/Pod", "*", "*", "Pod", ""],
  ["*/*", "*", "*", "*", "*"],
  ["*/status", "*", "*", "*", "status"],
  ["Pod/status", "*", "*", "Pod", "status"],
  ["Pod.status", "*", "*", "Pod", "status"],
  ["apps/v1/Deployment", "apps", "v1", "Deployment", ""],
  ["v1/Pod.status", "*", "v1", "Pod", "status"],
  ["forge.krate.a5c.ai/v1alpha1/PullRequest", "forge.krate.a5c.ai", "v1alpha1", "PullRequest", ""],
  ["forge.krate.a5c.ai/*/PullRequest/status", "forge.krate.a5c.ai", "*", "PullRequest", "status"],
  ["a/b/c/d/e", "", "", "", ""],
])("kinds: %s", (text, group, version, kind, subresource) => {
  expect(parseKindSelector(text)).toEqual({ group, version, kind, subresource });
});

test.each([
  ["*", "", true],
  ["krate-*", "krate-org-demo", true],
  ["krate-org-dem?", "krate-org-demo", true],
  ["krate.org", "krate-org", false],
  ["", "x", false],
])("wildcards: %s and %s", (pattern, text, expected) => {
  expect(wildcardMatches(pattern, text)).toBe(expected);
});

const pullRequests = { kinds: ["forge.krate.a5c.ai/v1alpha1/PullRequest"] };
const all = [{ kind: "PullRequest", operations: ["*"] }];

const cases: {
  reason: string;
  match: KyvernoMatch;
  exclude?: KyvernoMatch;
  targets: { kind: string; operations: string[] }[];
  onlyWhen?: string[];
}[] = [
  { reason: "the kind with its group", match: { any: [{ resources: pullRequests }] }, targets: all },
  { reason: "the kind alone", match: { all: [{ resources: { kinds: ["PullRequest"] } }] }, targets: all },
  { reason: "the old form without any and all", match: { resources: { kinds: ["PullRequest"] } }, targets: all },
  { reason: "a kind of another group", match: { resources: { kinds: ["apps/v1/Deployment", "Pod"] } }, targets: [] },
  { reason: "the kind in another group", match: { resources: { kinds: ["example.org/v1/PullRequest"] } }, targets: [] },
  {
    reason: "a pattern of kinds",
    match: { resources: { kinds: ["*Comment"] } },
    targets: ["ReviewComment", "IssueComment"].map((kind) => ({ kind, operations: ["*"] })),
  },
  {
    reason: "the status subresource",
    match: { resources: { kinds: ["PullRequest/status"] } },
    targets: [{ kind: "PullRequest/status", operations: ["*"] }],
  },
  {
    reason: "certain operations",
    match: { any: [{ resources: { ...pullRequests, operations: ["UPDATE", "CREATE"] } }] },
    targets: [{ kind: "PullRequest", operations: ["CREATE", "UPDATE"] }],
  },
  {
    reason: "another namespace",
    match: { any: [{ resources: { ...pullRequests, namespaces: ["prod-*"] } }] },
    targets: [],
  },
  {
    reason: "this namespace, by a pattern",
    match: { any: [{ resources: { ...pullRequests, namespaces: ["krate-org-*"] } }] },
    targets: all,
  },
  {
    reason: "a label of another namespace",
    match: { any: [{ resources: { ...pullRequests, namespaceSelector: { matchLabels: { team: "blue" } } } }] },
    targets: [],
  },
  {
    reason: "a label of another repository",
    match: {
      any: [{ resources: { ...pullRequests, selector: { matchLabels: { "krate.a5c.ai/repository": "other" } } } }],
    },
    targets: [],
  },
  {
    reason: "a label, a name and an asker are known with the request only",
    match: {
      any: [
        {
          resources: { ...pullRequests, names: ["shop-*"], selector: { matchLabels: { risk: "high" } } },
          subjects: [{}],
        },
      ],
    },
    targets: all,
    onlyWhen: ["the object has risk=high", "it is called shop-*", "certain people or roles ask"],
  },
  {
    reason: "one alternative that needs nothing more makes the others' conditions moot",
    match: {
      any: [{ resources: { ...pullRequests, names: ["shop-1"] } }, { resources: pullRequests }],
    },
    targets: all,
  },
  {
    reason: "all blocks must name it",
    match: { all: [{ resources: pullRequests }, { resources: { kinds: ["Issue"] } }] },
    targets: [],
  },
  {
    reason: "excluded as a whole",
    match: { resources: { kinds: ["PullRequest", "Issue"] } },
    exclude: { any: [{ resources: { kinds: ["Issue"] } }] },
    targets: all,
  },
  {
    reason: "excluded by namespace",
    match: { resources: pullRequests },
    exclude: { any: [{ resources: { namespaces: ["krate-org-demo"] } }] },
    targets: [],
  },
  { reason: "an empty exclude excludes nothing", match: { resources: pullRequests }, exclude: {}, targets: all },
  {
    reason: "excluded for some askers",
    match: { resources: pullRequests },
    exclude: { any: [{ clusterRoles: ["cluster-admin"] }] },
    targets: all,
    onlyWhen: ["not (certain people or roles ask)"],
  },
];

test.each(cases)("a rule of Kyverno: $reason", ({ match, exclude, targets, onlyWhen = [] }) => {
  expect(kyvernoReach(match, exclude, place)).toEqual({ targets, onlyWhen });
});
