import { expect, test } from "@jest/globals";
import { type Contents, entriesOf, hooksOf, named } from "./explorer.fixture.ts";
import type { HookRow } from "./hook-rows.ts";

test("ref rules are those that the gateway enforces for this repository, with what they refused today", () => {
  const event = (receivedAt: string, decision: string) => ({
    spec: { receivedAt, rules: [{ policy: "RefPolicy/org-defaults", rule: "no-force-push", decision }] },
  });
  const contents: Contents = {
    refPolicies: [
      named("org-defaults", {
        spec: {
          organizationRef: "demo",
          deny: ["refs/internal/"],
          rules: [{ name: "no-force-push", type: "block-force-push", refs: ["refs/heads/main"], message: "Not here." }],
        },
      }),
      named("gold", {
        spec: {
          organizationRef: "demo",
          scope: { selector: { matchLabels: { tier: "gold" } } },
          rules: [{ name: "small", type: "max-object-size", mode: "audit", params: { maxBytes: 1000 } }],
        },
      }),
      named("others", {
        spec: {
          organizationRef: "demo",
          scope: { repositories: ["other"] },
          rules: [{ name: "x", type: "deny-deletion" }],
        },
      }),
    ],
    branchProtections: [
      named("main", {
        spec: {
          organizationRef: "demo",
          repository: "shop",
          refs: ["refs/heads/main"],
          allowForcePush: true,
          allowDeletion: true,
          requiredApprovals: 2,
        },
      }),
    ],
    refusals: [
      event("2026-11-24T08:00:00Z", "Denied"),
      event("2026-11-24T09:00:00Z", "Denied"),
      event("2026-11-24T10:00:00Z", "Bypassed"),
      event("2026-11-23T23:59:59Z", "Denied"),
    ],
  };
  expect(
    hooksOf(contents).map(({ name, object, mode, what, about, messages, count }) => ({
      name,
      object: `${object.kind}/${object.name}`,
      mode,
      what,
      about,
      messages,
      count,
    })),
  ).toEqual([
    {
      name: "require-pull-request",
      object: "BranchProtection/main",
      mode: "enforce",
      what: "Moves only by merging a pull request.",
      about: ["refs/heads/main"],
      messages: [],
      count: undefined,
    },
    {
      name: "small",
      object: "RefPolicy/gold",
      mode: "audit",
      what: "No object may be larger than a limit. Limit: 1,000 bytes.",
      about: ["**"],
      messages: [],
      count: undefined,
    },
    {
      name: "deny",
      object: "RefPolicy/org-defaults",
      mode: "enforce",
      what: "Nobody may write these refs.",
      about: ["refs/internal/**"],
      messages: [],
      count: undefined,
    },
    {
      name: "no-force-push",
      object: "RefPolicy/org-defaults",
      mode: "enforce",
      what: "History may not be rewritten.",
      about: ["refs/heads/main"],
      messages: ["Not here."],
      count: "2 refused today",
    },
    {
      name: "merge-requirements",
      object: "BranchProtection/main",
      mode: "enforce",
      what: "A merge needs 2 approvals.",
      about: ["refs/heads/main"],
      messages: [],
      count: undefined,
    },
  ]);
});

test("a protection that only asks something of merges is shown, and so is a policy of which nothing is in force", () => {
  const rows = hooksOf({
    branchProtections: [
      named("merges", {
        spec: {
          organizationRef: "demo",
          refs: ["refs/heads/main"],
          requirePullRequest: false,
          allowForcePush: true,
          allowDeletion: true,
          requiredChecks: ["ci / test"],
        },
      }),
    ],
    refPolicies: [
      named("broken", {
        spec: { organizationRef: "demo", rules: [{ name: "x", type: "deny-deletion", refs: ["main"] }] },
      }),
      named("broken-elsewhere", {
        spec: {
          organizationRef: "demo",
          scope: { repositories: ["other"] },
          rules: [{ name: "x", type: "deny-deletion", refs: ["main"] }],
        },
      }),
    ],
  });
  expect(rows.map(({ name, mode, what, problem }) => ({ name, mode, what, problem }))).toEqual([
    { name: "merge-requirements", mode: "enforce", what: "A merge needs checks: ci / test.", problem: undefined },
    {
      name: "broken",
      mode: "off",
      what: "No rule of it is in force.",
      problem: '"main" must be a full ref name or glob that begins with refs/, such as refs/heads/main',
    },
  ]);
});

test("the page of the organization shows all of it, and says for which repository each is", () => {
  const only = (name: string, more: object) => named(name, { spec: { organizationRef: "demo", ...more } });
  const url = "https://example.com/";
  const sources: Contents = {
    refPolicies: [
      only("shop-only", { scope: { repositories: ["shop"] }, rules: [{ name: "kept", type: "deny-deletion" }] }),
      only("everywhere", { deny: ["refs/internal/"] }),
    ],
    branchProtections: [
      only("merges", {
        repository: "shop",
        refs: ["refs/heads/main"],
        requirePullRequest: false,
        allowForcePush: true,
        allowDeletion: true,
        requiredApprovals: 1,
      }),
    ],
    subscriptions: [
      only("of-shop", { url, events: ["push"], repository: "shop" }),
      only("of-all", { url, events: ["*"] }),
    ],
    kyvernoClusterPolicies: [
      named("labelled", {
        spec: {
          rules: [
            {
              name: "r",
              match: {
                any: [
                  { resources: { kinds: ["Issue"], selector: { matchLabels: { "krate.a5c.ai/repository": "shop" } } } },
                ],
              },
              validate: { message: "m" },
            },
          ],
        },
      }),
    ],
  };
  const entries = entriesOf(sources, { page: undefined });
  const rows = entries.filter((entry): entry is HookRow => entry.type === "hook");
  expect(rows.map(({ name, what, onlyWhen }) => ({ name, what, onlyWhen }))).toEqual([
    { name: "deny", what: "Nobody may write these refs.", onlyWhen: [] },
    { name: "kept", what: "May not be deleted.", onlyWhen: ["it is a push to shop"] },
    { name: "merge-requirements", what: "A merge needs one approval.", onlyWhen: ["it is a merge in shop"] },
    { name: "of-shop", what: "Posts to example.com, for shop.", onlyWhen: [] },
    { name: "of-all", what: "Posts to example.com, for every repository of the organization.", onlyWhen: [] },
    {
      name: "labelled",
      what: "Judges Issue (every request).",
      onlyWhen: ["the object has krate.a5c.ai/repository=shop"],
    },
  ]);
});
