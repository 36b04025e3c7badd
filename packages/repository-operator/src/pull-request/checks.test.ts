import { expect, test } from "@jest/globals";
import type { CheckRun, ObjectOf } from "@krate/kinds";
import { summarizeChecks } from "./checks.ts";

const run = (name: string, conclusion?: string) =>
  ({
    spec: { name },
    status: conclusion ? { phase: "Completed", conclusion } : { phase: "InProgress" },
  }) as ObjectOf<typeof CheckRun>;

test.each([
  { reason: "nothing required, nothing run", runs: [], required: [], counts: [0, 0, 0], says: "True/NoneRequired" },
  {
    reason: "what is not required only counts",
    runs: [run("x", "failure")],
    required: [],
    counts: [0, 1, 0],
    says: "True/NoneRequired",
  },
  {
    reason: "a required one that has not run",
    runs: [run("x", "success")],
    required: ["ci"],
    counts: [1, 0, 1],
    says: "False/Pending",
  },
  { reason: "a required one under way", runs: [run("ci")], required: ["ci"], counts: [0, 0, 1], says: "False/Pending" },
  {
    reason: "a failed one tells before a pending one",
    runs: [run("ci", "timed-out")],
    required: ["ci", "lint"],
    counts: [0, 1, 1],
    says: "False/Failed",
  },
  {
    reason: "skipped and neutral pass",
    runs: [run("ci", "skipped"), run("lint", "neutral")],
    required: ["lint", "ci"],
    counts: [2, 0, 0],
    says: "True/Passed",
  },
  {
    reason: "cancelled does not",
    runs: [run("ci", "cancelled")],
    required: ["ci"],
    counts: [0, 1, 0],
    says: "False/Failed",
  },
])("checks: $reason", ({ runs, required, counts, says }) => {
  const { checks, condition } = summarizeChecks(runs, required);
  expect([checks.passed, checks.failed, checks.pending]).toEqual(counts);
  expect(checks.required).toEqual(required.length > 0 ? [...required].sort() : undefined);
  expect(`${condition.status}/${condition.reason}`).toBe(says);
});
