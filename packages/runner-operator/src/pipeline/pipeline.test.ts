import { describe, expect, test } from "@jest/globals";
import { aJob, aPipeline, aPool } from "../testing/objects.ts";
import { choosePool } from "./choose-pool.ts";
import { type PipelineCause, pipelineName, renderPipelines } from "./render-pipeline.ts";
import { summarize } from "./summarize.ts";

const cause: PipelineCause = {
  organization: "demo",
  namespace: "krate-org-demo",
  repository: "hello",
  ref: "refs/heads/main",
  sha: "a".repeat(40),
  key: "event-uid",
  event: { name: "push", ref: "refs/heads/main" },
  actor: "alice",
};
const file = (text: string, path = ".krate/workflows/ci.yaml") => ({ path, text });
const workflow = (on: string) => `name: CI\non: ${on}\njobs: {a: {steps: [{run: x}]}}`;

describe("pipelines of an event", () => {
  test.each([
    { reason: "a file for it makes one", text: workflow("push"), event: "push", count: 1 },
    {
      reason: "a file for another branch makes none",
      text: workflow("{push: {branches: [x]}}"),
      event: "push",
      count: 0,
    },
    { reason: "a file for another event makes none", text: workflow("pull_request"), event: "push", count: 0 },
    { reason: "a broken file makes one that will say why", text: "jobs: [", event: "push", count: 1 },
    { reason: "a broken file is told once, by pushes", text: "jobs: [", event: "pull_request", count: 0 },
  ])("$reason", ({ text, event, count }) => {
    expect(renderPipelines({ ...cause, event: { ...cause.event, name: event } }, [file(text)])).toHaveLength(count);
  });

  test("have names that depend on cause and file only", () => {
    const [first] = renderPipelines(cause, [file(workflow("push"))]);
    expect(first?.metadata.name).toMatch(/^hello-ci-[0-9a-f]{8}$/);
    expect(renderPipelines(cause, [file(workflow("[push]"))])[0]?.metadata.name).toBe(first?.metadata.name);
    expect(pipelineName({ ...cause, key: "other" }, ".krate/workflows/ci.yaml")).not.toBe(first?.metadata.name);
    expect(pipelineName({ repository: "r".repeat(80), key: "k" }, "a.yaml").length).toBeLessThanOrEqual(63);
  });
});

describe("the pool of a run", () => {
  const named = { runnerPool: "default" };
  test.each([
    { reason: "the only one of its tier", spec: {}, pools: [aPool()], gives: { pool: aPool() } },
    {
      reason: "the first by name",
      spec: {},
      pools: [aPool({}, "b"), aPool({}, "a")],
      gives: { pool: { metadata: { name: "a" } } },
    },
    { reason: "none at all", spec: {}, pools: [], gives: { refused: "PoolMissing" } },
    {
      reason: "the named one does not exist",
      spec: { runnerPool: "x" },
      pools: [aPool()],
      gives: { refused: "PoolMissing" },
    },
    {
      reason: "untrusted code does not get a trusted pool by name",
      spec: { ...named, trustTier: "untrusted" as const },
      pools: [aPool()],
      gives: { refused: "ForkOnTrustedPool" },
    },
    {
      reason: "untrusted code does not get a trusted pool by default",
      spec: { trustTier: "untrusted" as const },
      pools: [aPool()],
      gives: { refused: "PoolMissing" },
    },
    {
      reason: "a repository that is not listed is kept out",
      spec: named,
      pools: [aPool({ allowedRepositories: ["other"] })],
      gives: { refused: "RepositoryNotAllowed" },
    },
  ])("$reason", ({ spec, pools, gives }) => {
    expect(choosePool(aPipeline(spec), pools)).toMatchObject(gives);
  });
});

describe("a run after its jobs", () => {
  const jobs = (...phases: string[]) =>
    phases.map((phase, index) => aJob({ job: `j${index}`, index }, { phase: phase as "Failed" }));
  test.each([
    {
      reason: "all succeeded",
      list: jobs("Succeeded", "Succeeded"),
      status: { phase: "Succeeded", conclusion: "success" },
    },
    {
      reason: "one failed",
      list: jobs("Succeeded", "Failed", "Skipped"),
      status: { phase: "Failed", conclusion: "failure", failure: { job: "j1" } },
    },
    { reason: "a timeout is told apart", list: jobs("TimedOut"), status: { phase: "Failed", conclusion: "timed-out" } },
    { reason: "one was cancelled", list: jobs("Cancelled"), status: { phase: "Cancelled", conclusion: "cancelled" } },
    { reason: "nothing was to do", list: jobs("Skipped"), status: { phase: "Succeeded", conclusion: "skipped" } },
    { reason: "something is left", list: jobs("Succeeded", "Pending"), status: { phase: "Queued" } },
    {
      reason: "a job that may fail failed",
      list: [aJob({ job: "a", continueOnError: true }, { phase: "Failed" }), ...jobs("Succeeded")],
      status: { phase: "Succeeded", conclusion: "success" },
    },
  ])("$reason", ({ list, status }) => {
    expect(summarize(aPipeline(), list, "2026-01-01T00:00:00Z").status).toMatchObject(status);
  });
});
