import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import {
  evaluateCondition,
  formatResult,
  interpolate,
  matchesTrigger,
  maxResultBytes,
  parseResult,
  parseWorkflow,
  planJobs,
  WorkflowError,
} from "./index.ts";

const parse = (text: string) => parseWorkflow(text, "ci.yaml");
const one = (steps: string, more = "") => `on: push\njobs:\n  test:\n    runs-on: x\n${more}    steps:\n${steps}`;

test("the example file becomes two jobs, the second after the first", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../examples/workflows/ci.yaml"), "utf8");
  const plans = planJobs(parse(text));
  expect(plans.map(({ job, needs, steps }) => ({ job, needs, steps: steps.map(({ name }) => name) }))).toEqual([
    { job: "test", needs: [], steps: ["actions/checkout@v4", "show what is tested", "test"] },
    { job: "package", needs: ["test"], steps: ["actions/checkout@v4", "package"] },
  ]);
  expect(plans[0]?.env).toEqual({ GREETING: "hello" });
});

describe("a file that is not a workflow says what is wrong at which line and column", () => {
  test.each([
    {
      reason: "YAML syntax",
      text: "on: push\njobs: [",
      at: [2, 8],
      says: /must be sufficiently indented and end with a ]/,
    },
    { reason: "no jobs", text: "on: push\n", at: [1, 1], says: /needs "jobs"/ },
    {
      reason: "unknown key of a step",
      text: one("      - rnu: make\n"),
      at: [6, 9],
      says: /has no "rnu".*allowed are/,
    },
    {
      reason: "neither run nor uses",
      text: one("      - name: nothing\n"),
      at: [6, 9],
      says: /either "run" or "uses"/,
    },
    {
      reason: "needs a job that is not there",
      text: one("      - run: make\n", "    needs: build\n"),
      at: [4, 5],
      says: /needs "build"/,
    },
    {
      reason: "steps must be a list",
      text: "on: push\njobs:\n  a:\n    steps: make\n",
      at: [4, 12],
      says: /must be a list/,
    },
  ])("$reason", ({ text, at, says }) => {
    let error: unknown;
    try {
      parse(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(WorkflowError);
    const [problem] = (error as WorkflowError).problems;
    expect([problem?.line, problem?.column]).toEqual(at);
    expect(problem?.message).toMatch(says);
    expect((error as WorkflowError).message).toContain(`ci.yaml:${at[0]}:${at[1]}`);
  });

  test("jobs that need each other in a circle", () => {
    const job = (id: string, needs: string) => `  ${id}:\n    needs: ${needs}\n    steps: [{run: x}]\n`;
    expect(() => parse(`on: push\njobs:\n${job("a", "b")}${job("b", "a")}`)).toThrow(/circle: a → b → a/);
  });

  test("a file that grows by aliases is refused at once", () => {
    const bomb = `a: &a [x,x]\n${Array.from({ length: 200 }, (_, i) => `k${i}: *a`).join("\n")}`;
    expect(() => parse(bomb)).toThrow(/aliases/);
  });
});

test("a matrix makes a job of every combination, and needs wait for all of them", () => {
  const text = one(
    "      - run: make\n",
    "    strategy:\n      matrix:\n        os: [a, b]\n        node: [20, 22]\n        exclude: [{os: b, node: 20}]\n",
  );
  const plans = planJobs(parse(`${text}  after:\n    needs: [test]\n    steps: [{run: x}]\n`));
  expect(plans.map(({ job }) => job)).toEqual(["test (a, 20)", "test (a, 22)", "test (b, 22)", "after"]);
  expect(plans[3]?.needs).toEqual(["test (a, 20)", "test (a, 22)", "test (b, 22)"]);
});

describe("what starts a workflow", () => {
  test.each([
    { reason: "any branch without a filter", on: "push", event: "push", ref: "refs/heads/x", starts: true },
    { reason: "another event", on: "push", event: "pull_request", ref: "refs/heads/x", starts: false },
    {
      reason: "a branch by glob",
      on: "{push: {branches: ['release/**']}}",
      event: "push",
      ref: "refs/heads/release/1/2",
      starts: true,
    },
    {
      reason: "a branch outside",
      on: "{push: {branches: [main]}}",
      event: "push",
      ref: "refs/heads/other",
      starts: false,
    },
    {
      reason: "taken back",
      on: "{push: {branches: ['**', '!wip/**']}}",
      event: "push",
      ref: "refs/heads/wip/a",
      starts: false,
    },
    {
      reason: "a tag with a filter of branches",
      on: "{push: {branches: [main]}}",
      event: "push",
      ref: "refs/tags/v1",
      starts: false,
    },
    { reason: "a tag by glob", on: "{push: {tags: ['v*']}}", event: "push", ref: "refs/tags/v1", starts: true },
    { reason: "hidden refs start nothing", on: "push", event: "push", ref: "refs/pull/1/head", starts: false },
    {
      reason: "a candidate, asked for",
      on: "merge_group",
      event: "merge_group",
      ref: "refs/queue/main/0a1b2c",
      starts: true,
    },
    {
      reason: "a candidate for another branch",
      on: "{merge_group: {branches: [rel]}, push: }",
      event: "merge_group",
      ref: "refs/queue/main/0a1b2c",
      starts: false,
    },
    {
      reason: "a candidate, as pull requests into it",
      on: "{pull_request: {branches: [main]}}",
      event: "merge_group",
      ref: "refs/queue/main/0a1b2c",
      starts: true,
    },
    {
      reason: "a candidate, as any push",
      on: "push",
      event: "merge_group",
      ref: "refs/queue/main/0a1b2c",
      starts: true,
    },
    {
      reason: "a candidate is no push to its base",
      on: "{push: {branches: [main]}}",
      event: "merge_group",
      ref: "refs/queue/main/0a1b2c",
      starts: false,
    },
    {
      reason: "a candidate is nothing else",
      on: "workflow_dispatch",
      event: "merge_group",
      ref: "refs/queue/main/0a1b2c",
      starts: false,
    },
  ])("$reason", ({ on, event, ref, starts }) => {
    const workflow = parse(`on: ${on}\njobs: {a: {steps: [{run: x}]}}`);
    expect(matchesTrigger(workflow, { name: event, ref })).toBe(starts);
  });
});

describe("expressions", () => {
  const context = { contexts: { github: { ref: "refs/heads/main" }, matrix: { n: "2" } }, outcome: "success" as const };
  test("are replaced in text", () => {
    expect(interpolate("on ${{ github.ref }} with ${{ matrix.n }}", context)).toBe("on refs/heads/main with 2");
  });
  test.each([
    { reason: "absent is success()", condition: undefined, outcome: "failure" as const, runs: false },
    { reason: "always()", condition: "always()", outcome: "failure" as const, runs: true },
    { reason: "failure()", condition: "failure()", outcome: "failure" as const, runs: true },
    {
      reason: "a comparison also needs success",
      condition: "github.ref == 'refs/heads/main'",
      outcome: "failure" as const,
      runs: false,
    },
    {
      reason: "a comparison",
      condition: "${{ github.ref == 'refs/heads/main' }}",
      outcome: "success" as const,
      runs: true,
    },
  ])("if: $reason", ({ condition, outcome, runs }) => {
    expect(evaluateCondition(condition, { ...context, outcome })).toBe(runs);
  });
  test("what cannot be evaluated names the expression", () => {
    expect(() => interpolate("${{ nobody.home }}", context)).toThrow(/nobody\.home/);
  });
});

test("a result always fits the termination message", () => {
  const steps = Array.from({ length: 200 }, (_, i) => ({
    number: i + 1,
    phase: "Succeeded" as const,
    startedAt: "2026-01-01T00:00:00Z",
  }));
  const text = formatResult({ phase: "Failed", steps, outputs: { a: "x".repeat(5000) } });
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxResultBytes);
  expect(parseResult(text)?.phase).toBe("Failed");
  expect(parseResult("killed")).toBeUndefined();
});

test("a result of very many steps keeps how each of them went", () => {
  const steps = Array.from({ length: 256 }, (_, i) => ({
    number: i + 1,
    phase: i === 200 ? ("Failed" as const) : ("Succeeded" as const),
    startedAt: "2026-01-01T00:00:00Z",
  }));
  const text = formatResult({ phase: "Failed", message: "step 201", steps, outputs: {} });
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxResultBytes);
  expect(parseResult(text)?.steps).toEqual(steps.map(({ number, phase }) => ({ number, phase })));
});

test.each([
  { reason: "brackets without end", text: `on: push\njobs: ${"[".repeat(50_000)}`, says: /deeper than 100/ },
  {
    reason: "thousands of jobs",
    text: `on: push\njobs:\n${Array.from({ length: 4000 }, (_, i) => `  j${i}: {}`).join("\n")}`,
    says: /1 to 256 jobs/,
  },
  { reason: "a file of a megabyte", text: "#".repeat(1024 * 1024), says: /larger than 65536 bytes/ },
])("a file made to keep the reader busy is refused soon: $reason", ({ text, says }) => {
  expect(() => parse(text)).toThrow(says);
});
