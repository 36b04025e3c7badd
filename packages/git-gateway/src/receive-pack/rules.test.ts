/** Every rule of kinds.md §5.4–5.5 against pushes of the real git: compiled from objects, judged, explained, recorded. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { BranchProtection, ObjectOf, RefPolicy } from "@krate/kinds";
import { compileBundle, evaluatePush } from "@krate/refpolicy";
import { GatewayFixture, ok } from "../testing/gateway-fixture.ts";

let gateway: GatewayFixture;
let name: string;
let work: string;
let count = 0;
beforeAll(async () => {
  gateway = await GatewayFixture.start();
});
afterAll(() => gateway.stop());
beforeEach(async () => {
  gateway.cluster.engine = undefined;
  name = `ruled-${count++}`;
  await gateway.createRepository(name);
  work = await gateway.workTree(`${name}-work`, name);
  await ok(gateway.git(["push", "-q", "origin", "main"], work));
});

type RefPolicySpec = ObjectOf<typeof RefPolicy>["spec"];
type ProtectionSpec = ObjectOf<typeof BranchProtection>["spec"];
type Rule = NonNullable<RefPolicySpec["rules"]>[number];

/** Puts one RefPolicy `p` and, when given, one BranchProtection `main` in force. */
function enforce(rules: Rule[], protection?: Partial<ProtectionSpec>): void {
  const { bundle, problems } = compileBundle({
    namespace: "acme",
    refPolicies: rules.length
      ? [{ metadata: { name: "p" }, spec: { organizationRef: "acme", rules } } as ObjectOf<typeof RefPolicy>]
      : [],
    branchProtections: protection
      ? [
          {
            metadata: { name: "main" },
            spec: { organizationRef: "acme", refs: ["refs/heads/main"], ...protection },
          } as ObjectOf<typeof BranchProtection>,
        ]
      : [],
    repositories: [],
  });
  expect(problems).toEqual([]);
  gateway.cluster.engine = { evaluate: (push) => evaluatePush(bundle, push), afterwards: async () => [] };
}

const push = (...args: string[]) => gateway.git(["push", "origin", ...args], work);
const lastEvent = () => gateway.cluster.events.filter(({ spec }) => spec.repository === name).at(-1)?.spec;

/** What each rule refuses: how the push is made, and what its user reads. */
const cases: [Rule["type"], Partial<Rule>, () => Promise<string[]>, RegExp, RegExp][] = [
  [
    "block-force-push",
    {},
    async () => {
      await ok(gateway.git(["commit", "-q", "--amend", "-m", "rewritten"], work));
      return ["-f", "main"];
    },
    /the update would rewrite history/,
    /Fetch, rebase or merge onto main, and push without force/,
  ],
  [
    "deny-deletion",
    { refs: ["refs/heads/**"] },
    async () => {
      await ok(push("-q", "main:topic"));
      return [":topic"];
    },
    /the ref may not be deleted/,
    /Keep it, or ask somebody who may bypass/,
  ],
  [
    "deny-ref",
    { refs: ["refs/internal/**"] },
    async () => ["main:refs/internal/x"],
    /nobody may write this ref/,
    /Use another name than refs\/internal\/x/,
  ],
  [
    "require-linear-history",
    {},
    async () => {
      await ok(gateway.git(["checkout", "-q", "-b", "side"], work));
      await gateway.commit(work, "side", "x\n", "side");
      await ok(gateway.git(["checkout", "-q", "main"], work));
      await ok(gateway.git(["merge", "-q", "--no-ff", "-m", "merge", "side"], work));
      return ["main"];
    },
    /[0-9a-f]{12} is a merge commit/,
    /Rebase the branch, or merge the pull request with method squash or rebase/,
  ],
  [
    "max-object-size",
    { params: { maxBytes: 1000 } },
    async () => {
      await gateway.commit(work, "assets/large.txt", "x".repeat(2000), "large");
      return ["main"];
    },
    /assets\/large\.txt has 2000 bytes; at most 1000 are allowed/,
    /Take it out of every new commit, or keep it in LFS/,
  ],
  [
    "commit-message-pattern",
    { params: { pattern: "^(fix|feat): " } },
    async () => {
      await gateway.commit(work, "a", "x\n", "whatever");
      return ["main"];
    },
    /commit message does not match \^\(fix\|feat\): : [0-9a-f]{12}/,
    /Reword the commits/,
  ],
  [
    "path-lock",
    { params: { paths: ["vendor/**"] } },
    async () => {
      await gateway.commit(work, "vendor/lib/a.js", "x\n", "touches vendor");
      await gateway.commit(work, "free", "x\n", "and something else");
      return ["main"];
    },
    /[0-9a-f]{12} changes vendor\/lib\/a\.js, which is locked/,
    /Leave locked paths as they are/,
  ],
];

describe.each(cases)("%s %j", (type, more, change, message, remedy) => {
  const rule = (mode: "audit" | "enforce"): Rule => ({
    name: "the-rule",
    type,
    mode,
    refs: ["refs/heads/main"],
    ...more,
  });

  test("refuses, says which rule of which policy and what to do, and records it", async () => {
    const args = await change();
    enforce([rule("enforce")]);
    const refused = await push(...args);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("x RefPolicy/p, rule the-rule: ");
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr).toMatch(remedy);
    expect(lastEvent()).toMatchObject({
      decision: "Rejected",
      rules: [{ policy: "RefPolicy/p", rule: "the-rule", decision: "Denied", message: expect.stringMatching(message) }],
    });
  });

  test("in audit mode warns, records and lets pass", async () => {
    const args = await change();
    enforce([rule("audit")]);
    const passed = await push(...args);
    expect(passed).toMatchObject({ code: 0, stderr: expect.stringContaining("! RefPolicy/p, rule the-rule: ") });
    expect(lastEvent()).toMatchObject({ decision: "AuditWarned", rules: [{ rule: "the-rule", decision: "Audit" }] });
  });
});

describe("a rule for one branch is not passed by way of another", () => {
  const detours: { reason: string; rule: Partial<Rule>; change: () => Promise<string>; to: string; message: RegExp }[] =
    [
      {
        reason: "commits that a free branch had first",
        rule: { type: "commit-message-pattern", params: { pattern: "^first" } },
        change: () => gateway.commit(work, "a", "x\n", "whatever"),
        to: "main",
        message: /commit message does not match/,
      },
      {
        reason: "a new branch under the rule, made from a free one",
        rule: { type: "commit-message-pattern", params: { pattern: "^first" }, refs: ["refs/heads/release/**"] },
        change: () => gateway.commit(work, "a", "x\n", "whatever"),
        to: "release/1",
        message: /commit message does not match/,
      },
      {
        reason: "paths that a free branch changed first",
        rule: { type: "path-lock", params: { paths: ["vendor/**"] } },
        change: () => gateway.commit(work, "vendor/a.js", "x\n", "touches vendor"),
        to: "main",
        message: /changes vendor\/a\.js, which is locked/,
      },
      {
        reason: "a large file that a free branch had first",
        rule: { type: "max-object-size", params: { maxBytes: 1000 } },
        change: () => gateway.commit(work, "assets/large.txt", "x".repeat(2000), "large"),
        to: "main",
        message: /assets\/large\.txt has 2000 bytes/,
      },
    ];
  test.each(detours)("$reason", async ({ rule, change, to, message }) => {
    enforce([{ name: "the-rule", mode: "enforce", refs: ["refs/heads/main"], ...rule } as Rule]);
    await change();
    await ok(push("-q", "HEAD:topic"));
    const refused = await push(`HEAD:${to}`);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(message);
    await gateway.commit(work, "later", "x\n", "first of all");
    expect((await push(`HEAD:${to}`)).stderr).toMatch(message);
  });

  test("what the branch itself, or for a new one the default branch, has is not judged again", async () => {
    await gateway.commit(work, "a", "x\n", "whatever");
    await ok(push("-q", "main"));
    const pattern = { name: "the-rule", type: "commit-message-pattern", mode: "enforce", params: { pattern: "^fine" } };
    enforce([{ ...pattern, refs: ["refs/heads/**"] } as Rule]);
    await ok(push("-q", "HEAD:refs/heads/new"));
    await gateway.commit(work, "b", "x\n", "fine");
    await ok(push("-q", "HEAD:new"));
    await ok(push("-q", "HEAD:main"));
  });
});

describe("a protected branch", () => {
  test("moves only by pull requests; an admin may bypass, which is told and recorded", async () => {
    enforce([], {});
    await gateway.commit(work, "a", "x\n", "direct");
    const refused = await push("main");
    expect(refused.stderr).toContain(
      "x BranchProtection/main, rule require-pull-request: changes come here only by merging a pull request",
    );
    expect(refused.stderr).toContain("Push to another branch and open a pull request into main.");
    gateway.cluster.grant("alice", "update", "admin", "acme", name);
    const bypassed = await push("main");
    expect(bypassed).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("! BranchProtection/main, rule require-pull-request"),
    });
    expect(lastEvent()).toMatchObject({
      decision: "Accepted",
      rules: [{ policy: "BranchProtection/main", rule: "require-pull-request", decision: "Bypassed" }],
      actor: { user: "alice" },
    });
  });

  test("is named by a dry run, which moves and records nothing", async () => {
    enforce([], {});
    const before = gateway.cluster.events.length;
    await gateway.commit(work, "a", "x\n", "direct");
    const { code, stderr } = await push("-o", "dry-run", "main", "main:free");
    expect(code).not.toBe(0);
    expect(stderr).toContain("x BranchProtection/main, rule require-pull-request");
    expect(stderr).toContain("dry run: would be refused");
    expect(stderr).toContain("dry run: would be accepted");
    expect(stderr).toContain("dry run: nothing was changed");
    expect(gateway.cluster.events).toHaveLength(before);
  });
});
