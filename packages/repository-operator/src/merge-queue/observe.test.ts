import { describe, expect, test } from "@jest/globals";
import type { PullRequestObject } from "../pull-request/status.ts";
import { observePullRequest, priorityOf } from "./observe.ts";
import type { MergeQueueObject } from "./render.ts";

const queue = {
  metadata: { namespace: "acme", name: "shop" },
  spec: {
    organizationRef: "acme",
    repository: "shop",
    priorityLabels: [
      { label: "hotfix", priority: "urgent" },
      { label: "chore", priority: "low" },
    ],
  },
} as MergeQueueObject;

const pullRequest = (spec: object = {}, status: object = {}) =>
  ({
    metadata: { namespace: "acme", name: "shop-1", uid: "u" },
    spec: { repository: "shop", title: "t", head: "topic", base: "main", queued: true, ...spec },
    status: { phase: "Open", queue: { at: "2026-01-01T00:00:05Z", by: "ada", headSha: "a" }, ...status },
  }) as PullRequestObject;

const reviews = (status: string, lastTransitionTime: string) => ({
  conditions: [{ type: "ReviewsSatisfied", status, reason: "ApprovalsMissing", message: "0 of 1", lastTransitionTime }],
});

describe("priority", () => {
  test.each([
    { reason: "nothing said", spec: {}, priority: "normal" },
    { reason: "its own", spec: { queuePriority: "high" }, priority: "high" },
    { reason: "a label", spec: { labels: ["hotfix"] }, priority: "urgent" },
    { reason: "a label that lowers", spec: { labels: ["chore"] }, priority: "low" },
    { reason: "the highest of all", spec: { queuePriority: "high", labels: ["chore"] }, priority: "high" },
    { reason: "other labels say nothing", spec: { labels: ["docs"] }, priority: "normal" },
  ])("$reason: $priority", ({ spec, priority }) => {
    expect(priorityOf(pullRequest(spec), queue)).toBe(priority);
  });
});

describe("approvals", () => {
  test.each([
    { reason: "there", status: reviews("True", "2026-01-01T00:00:06Z"), problem: false },
    { reason: "not looked at since it was queued", status: reviews("False", "2026-01-01T00:00:05Z"), problem: false },
    { reason: "taken back since", status: reviews("False", "2026-01-01T00:00:06Z"), problem: true },
  ])("$reason", ({ status, problem }) => {
    const seen = observePullRequest(pullRequest({}, status), { branch: "main", queue });
    expect(seen?.problem?.reason).toBe(problem ? "ReviewsMissing" : undefined);
  });
});

test("one that goes elsewhere is not queued here; one that never was queued is not seen", () => {
  expect(observePullRequest(pullRequest({ base: "other" }), { branch: "main", queue })?.queued).toBe(false);
  expect(observePullRequest(pullRequest({}, { queue: undefined }), { branch: "main", queue })).toBeUndefined();
});
