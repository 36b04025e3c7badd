import { describe, expect, test } from "@jest/globals";
import type { PodType } from "@krate/kinds";
import { podStatus } from "./pod-status.ts";
import type { ProcessEnd, ProcessRecord } from "./record.ts";

const now = "2026-01-01T00:01:00Z";
const pod: PodType = { metadata: { name: "build" }, spec: { containers: [{ name: "main", image: "none" }] } };
const record: ProcessRecord = {
  uid: "u1",
  namespace: "team",
  name: "build",
  container: "main",
  startedAt: "2026-01-01T00:00:00Z",
  pid: 7,
};
const end: ProcessEnd = { exitCode: 0, reason: "Completed", message: "", finishedAt: now };

describe("the phase", () => {
  test.each([
    { end: undefined, phase: "Running", reason: "the process lives" },
    { end, phase: "Succeeded", reason: "it ended with 0" },
    { end: { ...end, exitCode: 1, reason: "Error" as const }, phase: "Failed", reason: "it ended with 1" },
    {
      end: { ...end, exitCode: 0, reason: "DeadlineExceeded" as const },
      phase: "Failed",
      reason: "too late is failed",
    },
    { end: { ...end, exitCode: 137, reason: "Lost" as const }, phase: "Failed", reason: "nobody knows how it ended" },
  ])("is $phase when $reason", ({ end: ended, phase }) => {
    expect(podStatus(pod, { ...record, ...(ended && { end: ended }) }, "127.0.0.1", now).phase).toBe(phase);
  });
});

test("a running Pod is ready, and its conditions keep their time while nothing changes", () => {
  const first = podStatus(pod, record, "127.0.0.1", now);
  const later = podStatus({ ...pod, status: first }, record, "127.0.0.1", "2026-01-01T00:09:00Z");
  expect(first.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
    "Initialized=True",
    "Ready=True",
    "ContainersReady=True",
    "PodScheduled=True",
  ]);
  expect(later).toEqual(first);
});

test("conditions of others are kept", () => {
  const other = { type: "example.org/gate", status: "True" };
  const { conditions } = podStatus({ ...pod, status: { conditions: [other] } }, record, "127.0.0.1", now);
  expect(conditions).toContainEqual(other);
});

test("an ended container says exit code, message and, when it was told to stop, the signal", () => {
  const stop = { at: now, graceSeconds: 1, reason: "Deleted" as const };
  const ended: ProcessRecord = {
    ...record,
    stop,
    end: { ...end, exitCode: 143, reason: "Error", message: "half done" },
  };
  expect(podStatus(pod, ended, "127.0.0.1", now).containerStatuses?.[0]?.state?.terminated).toMatchObject({
    exitCode: 143,
    signal: 15,
    reason: "Error",
    message: "half done",
    startedAt: record.startedAt,
    finishedAt: now,
  });
});
