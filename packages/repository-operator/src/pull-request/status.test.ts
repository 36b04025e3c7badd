import { describe, expect, test } from "@jest/globals";
import { isFalse, isTrue, type ObjectOf, type Pipeline } from "@krate/kinds";
import type { Analysis } from "./analysis.ts";
import {
  newestPipelines,
  type PullRequestObject,
  planStatus,
  planUnresolved,
  shortList,
  type Verdicts,
} from "./status.ts";

const [head, base] = ["a".repeat(40), "b".repeat(40)];
const pullRequest = (spec: object = {}, reason?: string) =>
  ({
    metadata: { name: "p", generation: 1 },
    spec,
    status: {
      conditions: reason ? [{ type: "Merged", status: "False", reason, message: "", lastTransitionTime: "" }] : [],
    },
  }) as unknown as PullRequestObject;
const analysis = (fields: Partial<Analysis> = {}): Analysis => ({
  headSha: head,
  baseSha: base,
  mergeBaseSha: base,
  merge: { kind: "clean" },
  files: [{ path: "a", kind: "modified" }],
  additions: 1,
  deletions: 2,
  ...fields,
});
const verdicts = (fields: Partial<Verdicts> = {}): Verdicts => ({
  reviews: { approvals: [], changesRequested: [] },
  reviewsCondition: isTrue("ReviewsSatisfied", "NoneRequired"),
  checks: { passed: 0, failed: 0, pending: 0 },
  checksCondition: isTrue("ChecksPassed", "NoneRequired"),
  pipelines: [],
  ...fields,
});

describe("status of a pull request", () => {
  test.each<{
    reason: string;
    spec?: object;
    of?: Partial<Analysis>;
    says?: Partial<Verdicts>;
    state: string;
    mergeable: string;
  }>([
    { reason: "clean", state: "Clean", mergeable: "True/Clean" },
    { reason: "a draft", spec: { draft: true }, state: "Blocked", mergeable: "False/Draft" },
    {
      reason: "a conflict",
      of: { merge: { kind: "conflicting", paths: ["x"] } },
      state: "Conflicting",
      mergeable: "False/Conflicts",
    },
    {
      reason: "nothing to merge",
      of: { merge: { kind: "nothing" } },
      state: "Behind",
      mergeable: "False/Behind",
    },
    {
      reason: "reviews are missing",
      says: { reviewsCondition: isFalse("ReviewsSatisfied", "ApprovalsMissing") },
      state: "Blocked",
      mergeable: "True/Clean",
    },
    {
      reason: "checks have not passed",
      says: { checksCondition: isFalse("ChecksPassed", "Pending") },
      state: "Blocked",
      mergeable: "True/Clean",
    },
  ])("$reason", ({ spec, of, says, state, mergeable }) => {
    const planned = planStatus(pullRequest(spec), analysis(of), verdicts(says));
    const condition = planned.conditions.find(({ type }) => type === "Mergeable");
    expect(planned.status.mergeState).toBe(state);
    expect(`${condition?.status}/${condition?.reason}`).toBe(mergeable);
  });

  test("of many files the first 300 are listed and all are counted", () => {
    const files = Array.from({ length: 1000 }, (_, index) => ({
      path: `f${index}${"x".repeat(2000)}`,
      kind: "added" as const,
    }));
    const { status } = planStatus(pullRequest(), analysis({ files }), verdicts());
    expect(status.changedFiles).toHaveLength(300);
    expect(status.changedFiles?.[0]).toHaveLength(1024);
    expect(status.changedFilesTotal).toBe(1000);
  });

  test("a merge base that is gone is removed from the status", () => {
    const { mergeBaseSha: _, ...unrelated } = analysis();
    expect(planStatus(pullRequest(), unrelated, verdicts()).status).toHaveProperty("mergeBaseSha", undefined);
  });

  test.each([
    { reason: "nothing was said yet", before: undefined, says: ["NotRequested"] },
    { reason: "a merge was under way", before: "InProgress", says: ["NotRequested"] },
    { reason: "what a failed merge said stays", before: "MergeFailed", says: [] },
    { reason: "what a moved head said stays", before: "HeadMoved", says: [] },
  ])("condition Merged: $reason", ({ before, says }) => {
    const planned = [
      planStatus(pullRequest({}, before), analysis(), verdicts()),
      planUnresolved(pullRequest({}, before), { reason: "BranchMissing", message: "m" }),
    ];
    for (const { conditions } of planned)
      expect(conditions.filter(({ type }) => type === "Merged").map(({ reason }) => reason)).toEqual(says);
  });

  test("pipelines are newest first, without those of another pull request with the same head", () => {
    const pipeline = (name: string, creationTimestamp: string, of?: string) =>
      ({ metadata: { name, creationTimestamp }, spec: { pullRequest: of } }) as ObjectOf<typeof Pipeline>;
    const mine = pullRequest({});
    const all = [
      pipeline("b", "2026-01-01T00:00:00Z"),
      pipeline("c", "2026-01-02T00:00:00Z"),
      pipeline("a", "2026-01-01T00:00:00Z", mine.metadata.name),
      pipeline("d", "2026-01-03T00:00:00Z", "another"),
    ];
    expect(newestPipelines(mine, all)).toEqual(["c", "a", "b"]);
  });

  test("a list of paths is as long as a person reads", () => {
    expect(shortList(["a", "b"])).toBe("a, b");
    expect(shortList(["a", "b", "c"], 2)).toBe("a, b and 1 more");
  });
});
