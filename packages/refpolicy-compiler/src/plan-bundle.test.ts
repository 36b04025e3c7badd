import { describe, expect, it } from "@jest/globals";
import type { BranchProtection, ObjectOf, RefPolicy, Repository } from "@krate/kinds";
import { type BundleInput, bundleKey, maxBundleBytes, planBundle, readBundle, readReport } from "./plan-bundle.ts";
import { verdictOf } from "./policy-status.ts";

const repository = { kind: "Repository", metadata: { name: "web" } } as ObjectOf<typeof Repository>;
const protection = (name: string, generation = 1, refs = ["refs/heads/main"]) =>
  ({ kind: "BranchProtection", metadata: { name, uid: name, generation }, spec: { refs } }) as ObjectOf<
    typeof BranchProtection
  >;
const huge = (generation: number, rules: number) =>
  ({
    kind: "RefPolicy",
    metadata: { name: "huge", uid: "huge", generation },
    spec: {
      rules: Array.from({ length: rules }, (_, n) => ({
        name: `r${n}`,
        type: "deny-ref",
        refs: Array.from({ length: 64 }, (_, m) => `refs/x/${n}/${m}/${"y".repeat(200)}`),
      })),
    },
  }) as unknown as ObjectOf<typeof RefPolicy>;

const plan = (input: Partial<BundleInput>) =>
  planBundle({
    namespace: "org",
    branchProtections: [],
    refPolicies: [],
    repositories: [],
    current: undefined,
    ...input,
  });
const applied = (input: Partial<BundleInput>) => {
  const planned = plan(input);
  if (planned.action !== "apply") throw new Error(`planned ${planned.action}`);
  return planned.configMap;
};

describe("planBundle", () => {
  it.each([
    ["none", {}, "nothing there, nothing to say"],
    ["apply", { repositories: [repository] }, "a repository alone has an empty bundle"],
    ["apply", { branchProtections: [protection("a")] }, "a policy before its repositories"],
    ["delete", { current: { data: {} } }, "everything is gone"],
  ])("is %s: %#", (action, input, _reason) => {
    expect(plan(input as Partial<BundleInput>).action).toBe(action);
  });

  it("writes nothing when the ConfigMap says it already", () => {
    const current = applied({ branchProtections: [protection("a")] });
    expect(plan({ branchProtections: [protection("a")], current }).action).toBe("none");
  });

  it("leaves out what is being deleted", () => {
    const leaving = protection("a");
    leaving.metadata.deletionTimestamp = "2026-01-01T00:00:00Z";
    expect(readBundle(applied({ branchProtections: [leaving], repositories: [repository] }))?.rules).toEqual([]);
  });

  it("keeps the bundle in force when a new one would be too large, and says so on what is new only", () => {
    const current = applied({ branchProtections: [protection("a")] });
    const input = { branchProtections: [protection("a")], refPolicies: [huge(1, 80)], current };
    const configMap = applied(input);
    expect(configMap.data[bundleKey]).toBe(current.data[bundleKey]);
    const report = readReport(configMap);
    expect(report["BranchProtection/a"]).toMatchObject({ reason: "CompileSucceeded" });
    expect(report["RefPolicy/huge"]).toMatchObject({ reason: "BundleTooLarge", stale: false });
    expect(report["RefPolicy/huge"]?.problems[0]).toContain(String(maxBundleBytes));
  });
});

describe("verdictOf", () => {
  it("says nothing about a version the bundle does not know", () => {
    const configMap = applied({ branchProtections: [protection("a", 1)] });
    expect(verdictOf("BranchProtection/a", { uid: "a", generation: 2 }, configMap)).toBeUndefined();
    expect(verdictOf("BranchProtection/a", { uid: "anew", generation: 1 }, configMap)).toBeUndefined();
    expect(verdictOf("BranchProtection/a", { uid: "a", generation: 1 }, configMap)).toMatchObject({ phase: "Active" });
  });

  it.each([
    [{}, "Unknown", "nobody reports"],
    [{ "applied.krate.a5c.ai/gw-1": "current" }, "True", "everybody has it"],
    [{ "applied.krate.a5c.ai/gw-1": "current", "applied.krate.a5c.ai/gw-2": "old" }, "False", "one is behind"],
  ])("is Distributed by what backends report: %j → %s (%s)", (annotations, status, _reason) => {
    const configMap = applied({ branchProtections: [protection("a")] });
    const hash = configMap.metadata.annotations["krate.a5c.ai/refpolicy-hash"] ?? "";
    for (const [key, value] of Object.entries(annotations))
      configMap.metadata.annotations[key] = value === "current" ? hash : value;
    const verdict = verdictOf("BranchProtection/a", { uid: "a", generation: 1 }, configMap);
    expect(verdict?.conditions.find(({ type }) => type === "Distributed")?.status).toBe(status);
  });
});
