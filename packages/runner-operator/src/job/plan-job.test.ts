import { describe, expect, test } from "@jest/globals";
import { finalizers, type PodType } from "@krate/kinds";
import { aJob, aPipeline, aPod, aPool } from "../testing/objects.ts";
import { observeOver, observeRunning } from "./observe-pod.ts";
import { type JobWorld, planJob } from "./plan-job.ts";
import { renderCheck } from "./render-check.ts";
import { jobName } from "./render-job.ts";
import { audienceOf, containerName, renderPod } from "./render-pod.ts";

const world = (more: Partial<JobWorld> = {}): JobWorld => ({
  job: aJob(),
  pipeline: aPipeline(),
  siblings: [],
  pod: undefined,
  pool: aPool(),
  active: 0,
  ...more,
});

const build = (phase: string, more = {}) => aJob({ job: "build", ...more }, { phase: phase as "Succeeded" });
const test_ = (more = {}) => aJob({ job: "test", needs: ["build"], ...more });

describe("what is done about a job", () => {
  test.each<{ reason: string; given: Partial<JobWorld>; does: object }>([
    { reason: "free room starts it", given: {}, does: { do: "start" } },
    {
      reason: "it waits for a job it needs",
      given: { job: test_(), siblings: [build("Running")] },
      does: { do: "wait", phase: "Pending", reason: "WaitingForNeeds", message: "waits for build" },
    },
    {
      reason: "a need that was not created yet is waited for",
      given: { job: test_() },
      does: { do: "wait", reason: "WaitingForNeeds" },
    },
    {
      reason: "a succeeded need starts it",
      given: { job: test_(), siblings: [build("Succeeded")] },
      does: { do: "start" },
    },
    {
      reason: "a failed need skips it",
      given: { job: test_(), siblings: [build("Failed")] },
      does: { do: "finish", phase: "Skipped" },
    },
    {
      reason: "a skipped need skips it",
      given: { job: test_(), siblings: [build("Skipped")] },
      does: { do: "finish", phase: "Skipped" },
    },
    {
      reason: "a failed need that may fail does not skip it",
      given: { job: test_(), siblings: [build("Failed", { continueOnError: true })] },
      does: { do: "start" },
    },
    {
      reason: "always() runs it after a failed need",
      given: { job: test_({ if: "always()" }), siblings: [build("Failed")] },
      does: { do: "start" },
    },
    {
      reason: "a condition knows who started the run",
      given: { job: aJob({ if: "github.actor == 'alice' && github.event_name == 'push'" }) },
      does: { do: "start" },
    },
    {
      reason: "a condition that cannot be evaluated fails the job and says which",
      given: { job: aJob({ if: "nobody.home" }) },
      does: { do: "finish", phase: "Failed", message: expect.stringContaining("nobody.home") },
    },
    {
      reason: "a full pool queues it",
      given: { active: 2, pool: aPool({ maxReplicas: 2 }) },
      does: { do: "wait", phase: "Queued", reason: "NoCapacity" },
    },
    {
      reason: "a paused pool queues it",
      given: { pool: aPool({ paused: true }) },
      does: { do: "wait", phase: "Queued", reason: "PoolPaused" },
    },
    {
      reason: "a pool that is gone queues it",
      given: { pool: undefined },
      does: { do: "wait", phase: "Queued", reason: "NoCapacity" },
    },
    {
      reason: "untrusted code never starts in a trusted pool",
      given: { job: aJob({ trustTier: "untrusted" }), pool: aPool({ trustTier: "trusted" }) },
      does: { do: "refuse" },
    },
    {
      reason: "a cancelled run starts nothing",
      given: { pipeline: aPipeline({ cancelRequested: true }) },
      does: { do: "finish", phase: "Cancelled" },
    },
    {
      reason: "a deleted run starts nothing",
      given: { pipeline: undefined },
      does: { do: "finish", phase: "Cancelled" },
    },
    {
      reason: "a cancelled run ends its Pod",
      given: { pipeline: aPipeline({ cancelRequested: true }), pod: aPod("Running") },
      does: { do: "cancel-pod" },
    },
    { reason: "a Pod that runs is looked at", given: { pod: aPod("Running") }, does: { do: "observe" } },
    { reason: "a Pod that is over is collected", given: { pod: aPod("Failed") }, does: { do: "collect" } },
    {
      reason: "a Pod that disappeared fails the job",
      given: { job: aJob({}, { phase: "Running", pod: { namespace: "n", name: "p", uid: "u" } }) },
      does: { do: "finish", phase: "Failed", reason: "Evicted" },
    },
    {
      reason: "a finished job lets its Pod go",
      given: { job: aJob({}, { phase: "Succeeded" }), pod: aPod("Succeeded") },
      does: { do: "clean-up" },
    },
    { reason: "a finished job is left alone", given: { job: aJob({}, { phase: "Failed" }) }, does: { do: "nothing" } },
  ])("$reason", ({ given, does }) => {
    expect(planJob(world(given))).toMatchObject(does);
  });
});

describe("the Pod of a job", () => {
  const pod = renderPod({
    job: aJob(),
    pipeline: aPipeline(),
    pool: aPool({ nodeSelector: { size: "large" } }),
    needs: [build("Succeeded")],
    gitUrl: "http://git",
    image: "krate-runner",
    nodeSelector: { "krate.a5c.ai/process-node": "true" },
  });
  const container = pod.spec?.containers?.[0];

  test("has no token of the cluster, only one for exactly this repository, ref and run", () => {
    expect(pod.spec?.automountServiceAccountToken).toBe(false);
    const source = pod.spec?.volumes?.[0]?.projected?.sources?.[0]?.serviceAccountToken;
    expect(source?.audience).toBe("krate:demo/hello/refs/heads/main/hello-ci-1");
    expect(audienceOf(aJob())).toBe(source?.audience);
  });
  test("keeps its log until it is stored, and is found by its job", () => {
    expect(pod.metadata.finalizers).toEqual([finalizers.jobLog]);
    expect([pod.metadata.name, pod.metadata.labels?.["krate.a5c.ai/job"]]).toEqual([
      "hello-ci-1-test",
      "hello-ci-1-test",
    ]);
  });
  test("is told the commit, the clone URL and how needed jobs went; the token is not in it", () => {
    const told = JSON.parse(container?.env?.find(({ name }) => name === "KRATE_JOB")?.value ?? "{}");
    expect(told).toMatchObject({
      sha: "a".repeat(40),
      cloneUrl: "http://git/krate-org-demo/hello.git",
      needs: { build: { result: "success" } },
    });
  });
  test("asks for the nodes of the program and of the pool, never restarts, and ends soon after the job's limit", () => {
    expect(pod.spec).toMatchObject({
      nodeSelector: { "krate.a5c.ai/process-node": "true", size: "large" },
      restartPolicy: "Never",
      activeDeadlineSeconds: 660,
    });
  });
});

describe("how a Pod ended", () => {
  const over = (terminated: { exitCode: number; reason?: string; message?: string }, more: object = {}): PodType => ({
    ...aPod("Failed"),
    status: {
      phase: "Failed",
      containerStatuses: [
        { name: containerName, image: "", imageID: "", ready: false, restartCount: 0, state: { terminated } },
      ],
      ...more,
    },
  });
  const log = { bytes: 1, digest: "sha256:0" };
  const result = (phase: string) =>
    JSON.stringify({ phase, exitCode: 0, steps: [{ number: 1, phase: "Succeeded" }], outputs: { a: "b" } });

  test.each([
    {
      reason: "what the runner says counts",
      pod: over({ exitCode: 0, message: result("Succeeded") }),
      status: { phase: "Succeeded", outputs: { a: "b" }, steps: [{ number: 1, phase: "Succeeded" }] },
    },
    {
      reason: "exit code 0 without a result is a failure",
      pod: over({ exitCode: 0 }),
      status: { phase: "Failed", hints: [{ reason: "ResultMissing" }] },
    },
    {
      reason: "half a result is none",
      pod: over({ exitCode: 0, message: result("Succeeded").slice(0, 30) }),
      status: { phase: "Failed", hints: [{ reason: "ResultMissing" }] },
    },
    {
      reason: "too little memory is said",
      pod: over({ exitCode: 137, reason: "OOMKilled" }),
      status: { phase: "Failed", hints: [{ reason: "OOMKilled" }] },
    },
    {
      reason: "the node's deadline is a timeout",
      pod: over({ exitCode: 137 }, { reason: "DeadlineExceeded" }),
      status: { phase: "TimedOut", hints: [{ reason: "DeadlineExceeded" }] },
    },
    {
      reason: "a process nobody knows the end of is lost, not succeeded",
      pod: over({ exitCode: 137, reason: "Lost" }),
      status: { phase: "Failed", hints: [{ reason: "Evicted" }] },
    },
  ])("$reason", ({ pod, status }) => {
    expect(observeOver(aJob(), pod, log, "2026-01-01T00:00:00Z").status).toMatchObject(status);
  });

  test("a log that is gone is said", () => {
    const { conditions } = observeOver(aJob(), over({ exitCode: 1 }), undefined, "2026-01-01T00:00:00Z");
    expect(conditions).toContainEqual(expect.objectContaining({ type: "LogStored", status: "False" }));
  });

  test("an image that cannot be pulled is a hint while it waits", () => {
    const waiting = { reason: "ImagePullBackOff", message: "no such image" };
    const pod = { ...aPod("Pending"), status: { containerStatuses: [{ name: containerName, state: { waiting } }] } };
    expect(observeRunning(aJob(), pod as PodType).status).toMatchObject({
      phase: "Starting",
      hints: [{ reason: "ImagePullBackOff" }],
    });
  });
});

test("the CheckRun of a job has the same name in every run of a commit", () => {
  const done = aJob({}, { phase: "TimedOut", startedAt: "2026-01-01T00:00:00Z", completedAt: "2026-01-01T00:00:05Z" });
  const first = renderCheck(aPipeline(), done);
  expect(first.object.spec.name).toBe("CI / test");
  expect(first.status).toMatchObject({ phase: "Completed", conclusion: "timed-out" });
  expect(renderCheck(aPipeline(), aJob({ pipeline: "hello-ci-2" })).object.metadata.name).toBe(
    first.object.metadata.name,
  );
});

test.each([
  { reason: "short ids are kept", id: "test", name: /^p-test$/ },
  { reason: "other letters get a hash", id: "test (1, a)", name: /^p-test-1-a-[0-9a-f]{8}$/ },
  { reason: "capitals cannot collide with small letters", id: "Test", name: /^p-test-[0-9a-f]{8}$/ },
  { reason: "long ids fit a label", id: "x".repeat(100), name: /^p-x{50,52}-[0-9a-f]{8}$/ },
])("names of jobs: $reason", ({ id, name }) => {
  expect(jobName("p", id)).toMatch(name);
  expect(jobName("p", id).length).toBeLessThanOrEqual(63);
});
