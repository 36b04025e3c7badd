import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type BundleRule, emptyBundle, type RuleType, ruleTypes, sealBundle } from "./bundle.ts";
import { evaluatePush, runPostReceive } from "./evaluate.ts";
import type { PushFacts, WasmCall, WasmRunner } from "./facts.ts";
import { commit, push, type UpdateOptions, update, verified } from "./testing.ts";

const rule = (type: RuleType, more: Partial<BundleRule> = {}): BundleRule => ({
  policy: "RefPolicy/p",
  rule: type,
  type,
  refs: ["refs/heads/main"],
  repositories: "*",
  mode: "enforce",
  priority: 0,
  ...more,
});
const wasmModule = { objectRef: "configmap/hooks/x.wasm", digest: `sha256:${"0".repeat(64)}` };
const bundleOf = (...rules: BundleRule[]) =>
  sealBundle({ version: 1, namespace: "org", repositories: "all", rules }).bundle;

const judge = async (rules: BundleRule[], facts: Partial<PushFacts> & { update?: UpdateOptions } = {}) => {
  const { update: options, ...rest } = facts;
  const [decision] = await evaluatePush(bundleOf(...rules), push({ updates: [update(options)], ...rest }));
  return decision;
};

const merge = commit({ parents: ["a".repeat(40), "b".repeat(40)] });

describe("evaluatePush", () => {
  it.each<[RuleType, Partial<BundleRule>, Partial<PushFacts> & { update?: UpdateOptions }, boolean, string]>([
    ["require-pull-request", {}, {}, false, "a direct push is refused"],
    ["require-pull-request", {}, { update: { action: "create" } }, false, "so is creating the ref past review"],
    ["require-pull-request", {}, { mergeOf: "web-1" }, true, "a merge is how it moves"],
    ["require-pull-request", {}, { update: { ref: "refs/heads/x" } }, true, "other refs are free"],
    ["require-pull-request", { repositories: ["api"] }, {}, true, "other repositories are free"],
    ["deny-ref", {}, {}, false, "nobody writes it"],
    ["deny-ref", {}, { update: { action: "delete" } }, false, "or deletes it"],
    ["block-force-push", {}, { update: { action: "force-update", isFastForward: false } }, false, "rewriting"],
    ["block-force-push", {}, { update: { isFastForward: false } }, false, "rewriting under another word"],
    ["block-force-push", {}, {}, true, "fast-forward"],
    ["block-force-push", {}, { update: { action: "create", isFastForward: false } }, true, "creating rewrites nothing"],
    ["deny-deletion", {}, { update: { action: "delete" } }, false, "deletion"],
    ["deny-deletion", {}, {}, true, "an update deletes nothing"],
    ["require-linear-history", {}, { update: { commits: [commit(), merge] } }, false, "a merge commit"],
    ["require-linear-history", {}, {}, true, "one parent each"],
    ["require-signed-commits", {}, {}, false, "unsigned"],
    ["require-signed-commits", {}, { update: { commits: [commit({ signature: verified })] } }, true, "signed"],
    ["require-signed-commits", {}, { mergeOf: "web-1" }, true, "the server's merge commit is nobody's to sign"],
    [
      "require-signed-commits",
      {},
      { mergeOf: "web-1", update: { commits: [commit(), commit({ sha: "d".repeat(40) })] } },
      false,
      "but the merged commits are",
    ],
    [
      "require-signed-commits",
      {},
      { update: { commits: [commit({ signature: { state: "unverified", reason: "key is revoked" } })] } },
      false,
      "signed, but not by a key that counts",
    ],
    ["max-object-size", { params: { maxBytes: 10 } }, { update: { blobs: [{ sha: "e", size: 11 }] } }, false, "large"],
    [
      "max-object-size",
      { params: { maxBytes: 11 } },
      { update: { blobs: [{ sha: "e", size: 11 }] } },
      true,
      "at limit",
    ],
    ["commit-message-pattern", { params: { pattern: "^(fix|feat): " } }, {}, true, "matches"],
    ["commit-message-pattern", { params: { pattern: "^JIRA-[0-9]+" } }, {}, false, "does not"],
    [
      "commit-message-pattern",
      { params: { pattern: "^JIRA" } },
      { update: { commits: [merge] } },
      true,
      "merge messages are written by git",
    ],
    ["path-lock", { params: { paths: ["README.md"] } }, {}, false, "a locked path"],
    ["path-lock", { params: { paths: ["docs"] } }, {}, true, "another path"],
    [
      "wasm",
      { params: { wasm: { module: wasmModule, failure: "Deny" as const } } },
      {},
      false,
      "no runner here and failure is Deny",
    ],
    [
      "wasm",
      { params: { wasm: { module: wasmModule, failure: "Allow" } } },
      {},
      true,
      "no runner here and failure is Allow",
    ],
  ])("%s %j %j → allowed %s: %s", async (type, more, facts, allowed, _reason) => {
    expect((await judge([rule(type, more)], facts))?.allowed).toBe(allowed);
  });

  it("tells rule, policy, message and remedy", async () => {
    expect(
      await judge([rule("require-pull-request", { policy: "BranchProtection/main", message: "ask ops" })]),
    ).toEqual({
      ref: "refs/heads/main",
      allowed: false,
      decision: "Rejected",
      results: [
        {
          policy: "BranchProtection/main",
          rule: "require-pull-request",
          decision: "Denied",
          message: "ask ops (changes come here only by merging a pull request)",
          remedy: "Push to another branch and open a pull request into main.",
        },
      ],
    });
  });

  it("lets an audit rule pass with a warning", async () => {
    const decision = await judge([rule("deny-ref", { mode: "audit" })]);
    expect(decision).toMatchObject({ allowed: true, decision: "AuditWarned", results: [{ decision: "Audit" }] });
  });

  it.each<[Partial<BundleRule>, Partial<PushFacts["actor"]>, "Bypassed" | "Denied", string]>([
    [{ adminsMayBypass: true }, { mayBypass: true }, "Bypassed", "repository admins bypass a protection"],
    [{}, { mayBypass: true }, "Denied", "but not a RefPolicy"],
    [{ adminsMayBypass: true }, {}, "Denied", "developers do not"],
    [{ bypass: [{ kind: "User", name: "ada" }] }, {}, "Bypassed", "a named user"],
    [{ bypass: [{ kind: "Group", name: "krate:developers" }] }, {}, "Bypassed", "a named group"],
    [{ bypass: [{ kind: "User", name: "krate:developers" }] }, {}, "Denied", "a group is not a user"],
    [
      { bypass: [{ kind: "ServiceAccount", name: "bot", namespace: "org" }] },
      { user: "system:serviceaccount:org:bot" },
      "Bypassed",
      "a ServiceAccount by its user name",
    ],
  ])("%j with actor %j is %s: %s", async (more, actor, expected, _reason) => {
    const facts = push();
    const decision = await judge([rule("deny-ref", more)], { actor: { ...facts.actor, ...actor } });
    expect(decision?.results[0]?.decision).toBe(expected);
  });

  it("refuses everything without a bundle, and nothing with the empty one (REF-11)", async () => {
    const [refused] = await evaluatePush(undefined, push());
    expect(refused).toMatchObject({ allowed: false, results: [{ rule: "policy-bundle", decision: "Denied" }] });
    const [allowed] = await evaluatePush(emptyBundle("org"), push());
    expect(allowed).toMatchObject({ allowed: true, decision: "Accepted", results: [] });
  });

  it("refuses a repository younger than a bundle that chooses by label", async () => {
    const { bundle } = sealBundle({ version: 1, namespace: "org", repositories: ["api"], rules: [] });
    expect((await evaluatePush(bundle, push()))[0]?.allowed).toBe(false);
    expect((await evaluatePush(bundle, push({ repository: "api" })))[0]?.allowed).toBe(true);
  });

  it("reads facts once, and not at all when no rule asks", async () => {
    let reads = 0;
    const commits = async () => {
      reads++;
      return [commit({ signature: verified })];
    };
    const counted = { ...update(), commits };
    await evaluatePush(bundleOf(rule("deny-ref")), push({ updates: [counted] }));
    expect(reads).toBe(0);
    const both = bundleOf(rule("require-signed-commits"), rule("require-linear-history"));
    await evaluatePush(both, push({ updates: [counted] }));
    expect(reads).toBe(1);
  });

  describe("hooks", () => {
    const calls: WasmCall[] = [];
    const runner: WasmRunner = async (call) => {
      calls.push(call);
      const refused = call.updates.some(({ ref }) => ref.endsWith("bad"));
      return { notes: [`looked at ${call.updates.length}`], ...(refused && { refusal: "bad name" }) };
    };
    const updates = ["refs/heads/good", "refs/heads/bad", "refs/tags/v1"].map((ref) => update({ ref }));
    const judged = async (hook: "pre-receive" | "update" | "post-receive") => {
      calls.length = 0;
      const params = { wasm: { module: wasmModule, hook } };
      const bundle = bundleOf(rule("wasm", { refs: ["refs/heads/*"], params }));
      const decisions = await evaluatePush(bundle, push({ updates }), { wasm: runner });
      return { decisions: decisions.map(({ allowed }) => allowed), notes: decisions.map(({ notes }) => notes), bundle };
    };

    it("of pre-receive run once, over every ref the rule selects, and refuse them together", async () => {
      expect(await judged("pre-receive")).toMatchObject({
        decisions: [false, false, true],
        notes: [["looked at 2"], undefined, undefined],
      });
      expect(calls).toHaveLength(1);
    });

    it("of update run for each ref", async () => {
      expect(await judged("update")).toMatchObject({ decisions: [true, false, true] });
      expect(calls.map(({ updates: [first] }) => first?.ref)).toEqual(["refs/heads/good", "refs/heads/bad"]);
    });

    it("of post-receive never run before, and only tell afterwards", async () => {
      const { decisions, bundle } = await judged("post-receive");
      expect({ decisions, calls }).toEqual({ decisions: [true, true, true], calls: [] });
      expect(await runPostReceive(bundle, push({ updates }), runner)).toEqual(["looked at 2", "bad name"]);
    });
  });

  it("never allows more because of a further rule", async () => {
    const params = {
      maxBytes: 5,
      pattern: "^x",
      paths: ["README.md"],
      wasm: { module: wasmModule, failure: "Deny" as const },
    };
    const anyRule = fc.record({
      type: fc.constantFrom(...ruleTypes),
      mode: fc.constantFrom("audit" as const, "enforce" as const),
      refs: fc.constantFrom<string[]>(["**"], ["refs/heads/main"], ["refs/tags/*"]),
      repositories: fc.constantFrom("*" as const, ["web"], ["api"]),
      adminsMayBypass: fc.boolean(),
      priority: fc.integer({ min: -5, max: 5 }),
    });
    const anyUpdate = fc.record({
      ref: fc.constantFrom("refs/heads/main", "refs/tags/v1", "refs/heads/x"),
      action: fc.constantFrom("create" as const, "update" as const, "delete" as const, "force-update" as const),
      isFastForward: fc.boolean(),
      signed: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyRule), anyRule, anyUpdate, fc.boolean(), async (rules, extra, facts, mayBypass) => {
        const made = [...rules, extra].map(({ type, ...more }) => rule(type, { ...more, params }));
        const updates = [update({ ...facts, commits: [commit(facts.signed ? { signature: verified } : {})] })];
        const asked = push({ updates, actor: { user: "u", groups: [], mayBypass } });
        const [without] = await evaluatePush(bundleOf(...made.slice(0, -1)), asked);
        const [withIt] = await evaluatePush(bundleOf(...made), asked);
        expect(withIt?.allowed === true && without?.allowed === false).toBe(false);
      }),
    );
  });
});
