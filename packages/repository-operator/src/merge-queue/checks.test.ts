import { expect, test } from "@jest/globals";
import type { CheckRun, ObjectOf } from "@krate/kinds";
import { judgeChecks } from "./checks.ts";

const run = (name: string, conclusion?: string, more: object = {}) =>
  ({
    metadata: { name },
    spec: { organizationRef: "acme", repository: "shop", sha: "a".repeat(40), name, ...more },
    status: conclusion ? { phase: "Completed", conclusion } : { phase: "InProgress" },
  }) as ObjectOf<typeof CheckRun>;

test.each([
  { reason: "nothing is required", runs: [run("ci", "failure")], required: [], verdict: { state: "passed" } },
  {
    reason: "all passed",
    runs: [run("a", "success"), run("b", "skipped")],
    required: ["a", "b"],
    verdict: { state: "passed" },
  },
  {
    reason: "one runs, one never began",
    runs: [run("a")],
    required: ["a", "b"],
    verdict: { state: "pending", waitingFor: ["a", "b"], missing: ["b"] },
  },
  {
    reason: "one failed while another runs",
    runs: [run("a"), run("b", "timed-out", { pipeline: "shop-ci-1" })],
    required: ["a", "b"],
    verdict: { state: "failed", message: 'check "b" ended as timed-out (log: pipeline shop-ci-1)' },
  },
])("$reason", ({ runs, required, verdict }) => {
  expect(judgeChecks(runs, required)).toEqual(verdict);
});
