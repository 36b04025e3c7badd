import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { JobAssignment } from "@krate/workflow";
import { folderInside } from "./checkout.ts";
import { parseCommandFile } from "./command-files.ts";
import { Output, readConfig, runJob } from "./index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "krate-runner-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const assignment = (
  steps: Partial<JobAssignment["steps"][number]>[],
  more: Partial<JobAssignment> = {},
): JobAssignment => ({
  organization: "demo",
  namespace: "krate-org-demo",
  repository: "hello",
  ref: "refs/heads/main",
  sha: "a".repeat(40),
  pipeline: "hello-ci-1",
  name: "hello-ci-1-test",
  job: "test",
  workflow: "ci",
  event: "push",
  actor: "alice",
  runNumber: 1,
  cloneUrl: "http://127.0.0.1:1/krate-org-demo/hello.git",
  env: {},
  matrix: {},
  needs: {},
  outputs: {},
  timeoutSeconds: 30,
  ...more,
  steps: steps.map((step, index) => ({ number: index + 1, name: `step ${index + 1}`, ...step })),
});

async function run(job: JobAssignment, signal = new AbortController().signal) {
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    TMPDIR: folder,
    KRATE_WORKSPACE: folder,
    KRATE_TOKEN_FILE: join(folder, "token"),
    KRATE_JOB: JSON.stringify(job),
    SECRET_OF_RUNNER: "x",
  };
  const log: string[] = [];
  const output = new Output((text) => log.push(text));
  const result = await runJob({ config: readConfig(env), output, signal, now: () => new Date() });
  return { result, phases: result.steps.map(({ phase }) => phase), log: log.join("") };
}

test("steps run in order, share variables and outputs, and the job answers its outputs", async () => {
  const { result, log } = await run(
    assignment(
      [
        { id: "first", run: 'echo "GREETING=hello" >> "$GITHUB_ENV"\necho "who=everybody" >> "$KRATE_OUTPUT"' },
        { run: 'echo "$GREETING, ${{ steps.first.outputs.who }} from ${{ github.ref_name }} with $LEVEL"' },
      ],
      {
        env: { LEVEL: "${{ matrix.level }}" },
        matrix: { level: "2" },
        outputs: { who: "${{ steps.first.outputs.who }}" },
      },
    ),
  );
  expect(result).toMatchObject({ phase: "Succeeded", exitCode: 0, outputs: { who: "everybody" } });
  expect(log).toContain("\nhello, everybody from main with 2\n");
});

describe("what a failing step does", () => {
  test.each([
    {
      reason: "fails the job and skips what follows",
      steps: [{ run: "exit 3" }, { run: "true" }],
      phase: "Failed",
      phases: ["Failed", "Skipped"],
    },
    {
      reason: "lets always() and failure() run",
      steps: [{ run: "false" }, { if: "failure()", run: "true" }, { if: "always()", run: "true" }],
      phase: "Failed",
      phases: ["Failed", "Succeeded", "Succeeded"],
    },
    {
      reason: "is forgiven with continue-on-error",
      steps: [{ run: "false", continueOnError: true }, { run: "true" }],
      phase: "Succeeded",
      phases: ["Failed", "Succeeded"],
    },
    {
      reason: "a pipe fails with its first command",
      steps: [{ run: "false | cat" }],
      phase: "Failed",
      phases: ["Failed"],
    },
  ])("$reason", async ({ steps, phase, phases }) => {
    const done = await run(assignment(steps));
    expect([done.result.phase, done.phases]).toEqual([phase, phases]);
  });

  test("its exit code and what it was are in the result", async () => {
    const { result } = await run(assignment([{ name: "test", run: "exit 3" }]));
    expect(result).toMatchObject({ exitCode: 3, message: "step 1 (test): exit code 3" });
  });
});

test("a step that takes too long is stopped with everything it started", async () => {
  const startedAt = Date.now();
  const { phases, log } = await run(assignment([{ run: "sleep 60 & sleep 60", timeoutSeconds: 1 }]));
  expect(phases).toEqual(["TimedOut"]);
  expect(log).toContain("took longer than 1 s");
  expect(Date.now() - startedAt).toBeLessThan(20_000);
});

test("a cancelled job stops its step and runs only what asks for it", async () => {
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 300);
  const { result, phases } = await run(
    assignment([{ run: "sleep 60" }, { run: "true" }, { if: "cancelled()", run: "true" }]),
    cancel.signal,
  );
  expect(result.phase).toBe("Cancelled");
  expect(phases).toEqual(["Cancelled", "Skipped", "Succeeded"]);
});

test("a step is over although something it started left the group and holds its output open", async () => {
  const startedAt = Date.now();
  const { phases, log } = await run(assignment([{ run: "setsid sleep 20 & echo done" }]));
  expect(phases).toEqual(["Succeeded"]);
  expect(log).toContain("\ndone\n");
  expect(Date.now() - startedAt).toBeLessThan(15_000);
});

test("a step that a signal ended has the exit code a shell would give", async () => {
  const { result } = await run(assignment([{ run: "kill -9 $$" }]));
  expect(result.exitCode).toBe(137);
});

test("the token is masked before anything used it", async () => {
  writeFileSync(join(folder, "token"), "token-of-this-pod");
  const { log } = await run(assignment([{ run: "cat token" }]));
  expect(log).toContain("\n***\n");
  expect(log).not.toContain("token-of-this-pod");
});

test("an action that is not built in fails with what to do", async () => {
  const { result } = await run(assignment([{ uses: "actions/setup-node@v4" }]));
  expect(result.message).toMatch(/setup-node@v4.*actions\/checkout.*"run"/);
});

test("nothing of the runner's own environment reaches a step", async () => {
  const { log } = await run(assignment([{ run: "env" }]));
  expect(log).not.toContain("SECRET_OF_RUNNER");
  expect(log).not.toContain("KRATE_JOB");
});

test("secrets are masked and markers cannot be forged", () => {
  const log: string[] = [];
  const output = new Output((text) => log.push(text));
  output.hide("s3cret-token");
  const sink = output.lines();
  sink.write(Buffer.from('the s3cret-token\n##[krate]{"step":1}\nlast'));
  sink.end();
  expect(log).toEqual(["the ***\n", ' ##[krate]{"step":1}\n', "last\n"]);
});

test.each([
  { reason: "lines", text: "A=1\nB=x=y\n", values: { A: "1", B: "x=y" } },
  { reason: "a block", text: "A<<END\n1\n2\nEND\nB=3", values: { A: "1\n2", B: "3" } },
])("command files: $reason", ({ text, values }) => {
  expect(parseCommandFile(text)).toEqual(values);
});

test.each(["../x", "/etc"])("a path out of the workspace is refused: %s", (path) => {
  expect(() => folderInside("/w", path)).toThrow(/inside the workspace/);
});
