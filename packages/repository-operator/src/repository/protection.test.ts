import { expect, test } from "@jest/globals";
import type { BranchProtection, ObjectOf } from "@krate/kinds";
import { protectionCondition } from "./protection.ts";

const policy = (
  name: string,
  generation: number,
  compiled?: { status: "True" | "False"; observedGeneration: number },
) =>
  ({
    kind: "BranchProtection",
    metadata: { name, generation },
    status: {
      conditions: compiled ? [{ type: "Compiled", reason: "x", message: "", lastTransitionTime: "", ...compiled }] : [],
    },
  }) as unknown as ObjectOf<typeof BranchProtection>;
const current = policy("main", 2, { status: "True", observedGeneration: 2 });
const bundle = { metadata: { annotations: { "krate.a5c.ai/refpolicy-hash": "sha256:1" } } };

test.each([
  { reason: "nothing to enforce", policies: [], bundle: undefined, says: "True/Synced", message: "no policy" },
  {
    reason: "no bundle yet",
    policies: [current],
    bundle: undefined,
    says: "False/WaitingForBundle",
    message: "pushes are refused",
  },
  {
    reason: "a ConfigMap nobody compiled",
    policies: [current],
    bundle: { metadata: {} },
    says: "False/WaitingForBundle",
    message: "",
  },
  { reason: "all compiled", policies: [current], bundle, says: "True/Synced", message: "bundle sha256:1" },
  {
    reason: "a newer generation",
    policies: [policy("main", 3, { status: "True", observedGeneration: 2 })],
    bundle,
    says: "False/Stale",
    message: "BranchProtection/main",
  },
  {
    reason: "one not looked at yet",
    policies: [current, policy("new", 1)],
    bundle,
    says: "False/Stale",
    message: "BranchProtection/new",
  },
  {
    reason: "one that does not compile",
    policies: [policy("bad", 1, { status: "False", observedGeneration: 1 }), policy("new", 1)],
    bundle,
    says: "False/CompileFailed",
    message: "BranchProtection/bad",
  },
])("protection: $reason", ({ policies, bundle: found, says, message }) => {
  const condition = protectionCondition(policies, found);
  expect(`${condition.status}/${condition.reason}`).toBe(says);
  expect(condition.message).toContain(message);
});
