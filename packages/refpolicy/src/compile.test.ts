import { createHash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { parseBundle } from "./bundle.ts";
import { type CompileInput, compileBundle } from "./compile.ts";
import { effectiveProtection } from "./effective-protection.ts";
import { assembleHook, protection, refPolicy, repository } from "./testing.ts";

const compile = (input: Partial<CompileInput>) =>
  compileBundle({ namespace: "org", branchProtections: [], refPolicies: [], repositories: [], ...input });

describe("compileBundle", () => {
  it("turns the fields of a protection into rules; a bare one demands pull requests and keeps history", () => {
    expect(compile({ branchProtections: [protection("main")] }).bundle.rules.map(({ type }) => type)).toEqual([
      "require-pull-request",
      "block-force-push",
      "deny-deletion",
    ]);
    const open = protection("open", {
      requirePullRequest: false,
      allowForcePush: true,
      allowDeletion: true,
      requireSignedCommits: true,
      requireLinearHistory: true,
    });
    expect(compile({ branchProtections: [open] }).bundle.rules.map(({ type }) => type)).toEqual([
      "require-signed-commits",
      "require-linear-history",
    ]);
  });

  it("makes the same bytes of the same objects in another order", () => {
    const objects = [protection("a"), protection("b", { refs: ["refs/heads/b", "refs/heads/a"] })];
    const swapped = [protection("b", { refs: ["refs/heads/a", "refs/heads/b"] }), protection("a")];
    expect(compile({ branchProtections: objects }).bytes).toBe(compile({ branchProtections: swapped }).bytes);
  });

  it("round-trips through parseBundle, which notices a changed byte", () => {
    const { bundle, bytes } = compile({ branchProtections: [protection("main")] });
    expect(parseBundle(bytes)).toEqual(bundle);
    expect(() => parseBundle(bytes.replace("enforce", "audit"))).toThrow("hash does not belong to this content");
    expect(() => parseBundle('{"version":2}')).toThrow("version must be 1");
  });

  it("turns deny prefixes into rules and resolves scopes by name and label", () => {
    const repositories = [repository("web", { tier: "gold" }), repository("api")];
    const policy = refPolicy("p", {
      deny: ["refs/internal/"],
      scope: { repositories: ["docs"], selector: { matchLabels: { tier: "gold" } } },
    });
    const { bundle } = compile({ refPolicies: [policy], repositories });
    expect(bundle.rules).toMatchObject([
      { rule: "deny", type: "deny-ref", refs: ["refs/internal/**"], repositories: ["docs", "web"] },
    ]);
    expect(bundle.repositories).toEqual(["api", "web"]);
  });

  const bad = refPolicy("p", {
    rules: [
      { name: "msg", type: "commit-message-pattern", params: { pattern: "(" } },
      { name: "keep", type: "deny-deletion" },
    ],
  });

  it("says which object, rule and field does not compile and what is allowed", () => {
    expect(compile({ refPolicies: [bad] }).problems).toMatchObject([
      { policy: "RefPolicy/p", rule: "msg", field: "spec.rules[0].params.pattern", reason: "InvalidPattern" },
    ]);
    const main = refPolicy("q", { rules: [{ name: "r", type: "deny-ref", refs: ["main"] }] });
    expect(compile({ refPolicies: [main] }).problems[0]?.message).toContain("begins with refs/");
  });

  it("keeps the previous rules of a policy that does not compile any more (REF-11)", () => {
    const good = refPolicy("p", { rules: [{ name: "old", type: "deny-ref", refs: ["refs/x/**"] }] });
    const previous = compile({ refPolicies: [good] }).bundle;
    const { bundle, stale } = compile({ refPolicies: [bad], previous });
    expect(bundle.rules).toEqual(previous.rules);
    expect(stale).toEqual(["RefPolicy/p"]);
  });

  describe("a WebAssembly module", () => {
    const bytes = assembleHook({});
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const objectRef = "configmap/hooks/x.wasm";
    const problems = (module: { objectRef?: string; image?: string; digest: string }, found?: Uint8Array) =>
      compile({
        refPolicies: [refPolicy("p", { rules: [{ name: "hook", type: "wasm", wasm: { module } }] })],
        modules: new Map([[objectRef, found ?? { problem: "it is not there" }]]),
      }).problems.map(({ field, reason, message }) => ({ field, reason, message }));

    it("that is the one the rule names compiles, and one in a registry is not looked at", () => {
      expect(problems({ objectRef, digest }, bytes)).toEqual([]);
      expect(problems({ image: "registry.example.org/hooks/x", digest })).toEqual([]);
    });

    it.each([
      [{ objectRef, digest: `sha256:${"0".repeat(64)}` }, bytes, "WasmDigestMismatch", "no other is run"],
      [{ objectRef, digest }, undefined, "WasmInvalid", "it is not there"],
      [{ objectRef: "s3://bucket/x", digest }, bytes, "WasmInvalid", "must be configmap/<name>/<key>"],
    ])("%j is refused with its reason", (module, found, reason, message) => {
      expect(problems(module, found)).toEqual([
        { field: "spec.rules[0].wasm.module", reason, message: expect.stringContaining(message) },
      ]);
    });

    it("that asks for more than a hook may is refused", () => {
      const greedy = assembleHook({ imports: [["env", "system", 0]] });
      const own = `sha256:${createHash("sha256").update(greedy).digest("hex")}`;
      expect(problems({ objectRef, digest: own }, greedy)[0]?.message).toContain('imports "env.system"');
    });
  });

  it("enforces what does compile of a policy that never compiled", () => {
    expect(compile({ refPolicies: [bad] }).bundle.rules.map(({ rule }) => rule)).toEqual(["keep"]);
  });
});

describe("effectiveProtection", () => {
  it("takes the most restrictive value of each field and only common bypass subjects", () => {
    const ada = { kind: "User" as const, name: "ada" };
    const a = protection("a", { requiredApprovals: 1, requiredChecks: ["ci"], allowForcePush: true, bypass: [ada] });
    const b = protection("b", { requiredApprovals: 2, requirePullRequest: false, dismissStaleApprovals: false });
    expect(effectiveProtection([b, a], repository("web"), "refs/heads/main")).toEqual({
      sources: ["a", "b"],
      requirePullRequest: true,
      requiredApprovals: 2,
      requiredTeams: [],
      requireCodeOwners: false,
      requiredChecks: ["ci"],
      dismissStaleApprovals: true,
      allowForcePush: false,
      allowDeletion: false,
      requireSignedCommits: false,
      requireLinearHistory: false,
      bypass: [],
    });
  });

  it.each([
    [{ repository: "api" }, "another repository"],
    [{ refs: ["refs/heads/x"] }, "another ref"],
    [{ repositorySelector: { matchLabels: { a: "b" } } }, "a label the repository does not have"],
  ])("%j protects nothing here: %s", (spec, _reason) => {
    expect(effectiveProtection([protection("p", spec)], repository("web"), "refs/heads/main")).toBeUndefined();
  });
});
