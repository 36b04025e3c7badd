import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { type ChildOptions, runChild } from "./children.ts";
import { type JestReport, tallyOf } from "./jest-report.ts";
import type { Layer, Preparation } from "./layer.ts";
import { controlPlaneTests, layers } from "./layers.ts";
import { runLayers } from "./run-layers.ts";
import { exitCode, nothing, summaryLine, type Tally } from "./tally.ts";

const passing: Tally = { ...nothing, passed: 3 };

function layer(name: string, overrides: Partial<Layer> = {}): Layer {
  return { name, about: name, missing: () => undefined, preparations: [], run: async () => passing, ...overrides };
}

const run = (list: Layer[], required: string[] = []) =>
  runLayers({
    context: { root: "/nowhere", jestArguments: [], env: {} },
    layers: list,
    required: new Set(required),
    say: () => {},
    interrupted: () => false,
  });

describe("layers", () => {
  test("go from fast to slow under the names people type", () => {
    expect(layers.map(({ name }) => name)).toEqual([
      "check",
      "unit",
      "standalone",
      "integration",
      "envtest",
      "gitea",
      "kyverno",
      "kind",
    ]);
  });

  test("one that fails or throws hides no later one", async () => {
    const results = await run([
      layer("a", { run: async () => ({ ...nothing, failed: 1 }) }),
      layer("b", { run: () => Promise.reject(new Error("no disk")) }),
      layer("c"),
    ]);
    expect(results.map(({ name, passed, failed, notes }) => ({ name, passed, failed, notes }))).toEqual([
      { name: "a", passed: 0, failed: 1, notes: [] },
      { name: "b", passed: 0, failed: 1, notes: ["b: no disk"] },
      { name: "c", passed: 3, failed: 0, notes: [] },
    ]);
  });

  test("one that cannot run is skipped by name with the reason", async () => {
    const [result] = await run([layer("kind", { missing: () => "no Docker engine" })]);
    expect(result).toMatchObject({
      outcome: "skipped",
      skipped: 1,
      failed: 0,
      notes: ["kind: skipped: no Docker engine"],
    });
  });

  test("one that cannot run and is required is a failure", async () => {
    const [result] = await run([layer("kind", { missing: () => "no Docker engine" })], ["kind"]);
    expect(result).toMatchObject({
      outcome: "missing",
      failed: 1,
      notes: ["kind: required by KRATE_REQUIRE, but no Docker engine"],
    });
  });

  test("a preparation runs once, starts before the first layer ends, and its failure fails only who needs it", async () => {
    const events: string[] = [];
    const build: Preparation = {
      name: "build",
      run: async () => {
        events.push("build started");
        throw new Error("syntax");
      },
    };
    const results = await run([
      layer("unit", {
        run: async () => {
          events.push("unit ran");
          return passing;
        },
      }),
      layer("standalone", { preparations: [build] }),
      layer("envtest", { preparations: [build] }),
    ]);
    expect(events).toEqual(["build started", "unit ran"]);
    expect(results.map(({ passed, failed }) => [passed, failed])).toEqual([
      [3, 0],
      [0, 1],
      [0, 1],
    ]);
    expect(results[1]?.notes).toEqual(["standalone: build failed: syntax"]);
  });
});

describe("what a run of Jest counts as", () => {
  const report = (overrides: Partial<JestReport>): JestReport => ({
    numPassedTests: 0,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [],
    ...overrides,
  });
  const file = (overrides: Partial<JestReport["testResults"][number]>) => ({
    name: "a.test.ts",
    status: "passed",
    message: "",
    assertionResults: [],
    ...overrides,
  });

  const lines = (first: number, count: number) => Array.from({ length: count }, (_, at) => `line ${first + at}`);

  test.each<{ reason: string; report: JestReport | undefined; code: number; tally: Tally }>([
    { reason: "passed", report: report({ numPassedTests: 2 }), code: 0, tally: { ...nothing, passed: 2 } },
    {
      reason: "a file that could not be loaded is a failure",
      report: report({ numPassedTests: 2, testResults: [file({ status: "failed" })] }),
      code: 1,
      tally: { passed: 2, failed: 1, skipped: 0, notes: ["unit: failed: a.test.ts did not run"] },
    },
    {
      reason: "no test at all is a failure",
      report: report({}),
      code: 0,
      tally: { ...nothing, failed: 1, notes: ["unit: no test was found"] },
    },
    {
      reason: "no report is a failure",
      report: undefined,
      code: 139,
      tally: { ...nothing, failed: 1, notes: ["unit: Jest ended with code 139 and no report"] },
    },
    {
      reason: "an exit code that no test explains is a failure",
      report: report({ numPassedTests: 1 }),
      code: 1,
      tally: { passed: 1, failed: 1, skipped: 0, notes: ["unit: every test passed, but Jest ended with code 1"] },
    },
    {
      reason: "why a test failed is told by the first and the last lines of its message, without colours",
      report: report({
        numFailedTests: 1,
        testResults: [
          file({
            status: "failed",
            assertionResults: [
              {
                status: "failed",
                ancestorTitles: [],
                title: "y",
                failureMessages: [
                  `\u001b[31mred\u001b[39m\n\n${Array.from({ length: 30 }, (_, at) => `line ${at}\n`).join("")}    at x (/a/node_modules/b.js:1:1)`,
                ],
              },
            ],
          }),
        ],
      }),
      code: 1,
      tally: {
        passed: 0,
        failed: 1,
        skipped: 0,
        notes: [["unit: failed: a.test.ts › y", "red", ...lines(0, 11), "…", ...lines(18, 12)].join("\n    ")],
      },
    },
    {
      reason: "failed tests are named",
      report: report({
        numFailedTests: 1,
        testResults: [
          file({ status: "failed", assertionResults: [{ status: "failed", ancestorTitles: ["x"], title: "y" }] }),
        ],
      }),
      code: 1,
      tally: { passed: 0, failed: 1, skipped: 0, notes: ["unit: failed: a.test.ts › x › y"] },
    },
    {
      reason: "a run that had to be ended is a failure even when every test passed",
      report: report({ numPassedTests: 1 }),
      code: 143,
      tally: {
        passed: 1,
        failed: 1,
        skipped: 0,
        notes: ["unit: failed: Jest did not end by itself: a test took too long or left something open"],
      },
    },
    {
      reason: "skipped suites are counted together and say why",
      report: report({
        numPassedTests: 1,
        numPendingTests: 3,
        testResults: [
          file({
            assertionResults: [
              { status: "pending", ancestorTitles: ["x [skipped without envtest: not built]"], title: "a" },
              { status: "pending", ancestorTitles: ["x [skipped without envtest: not built]"], title: "b" },
              { status: "pending", ancestorTitles: ["y"], title: "later" },
            ],
          }),
        ],
      }),
      code: 0,
      tally: {
        passed: 1,
        failed: 0,
        skipped: 3,
        notes: ["unit: 2 skipped without envtest: not built", "unit: 1 skipped by its author: y › later"],
      },
    },
  ])("$reason", ({ report: given, code, tally }) => {
    expect(tallyOf(given, "unit", code)).toEqual(tally);
  });
});

test("the last line and the exit code", () => {
  expect(summaryLine({ passed: 3, failed: 1, skipped: 2, notes: ["x"] })).toBe("3 passed, 1 failed, 2 skipped");
  expect(exitCode(passing)).toBe(0);
  expect(exitCode({ ...passing, failed: 1 })).toBe(1);
  expect(exitCode({ ...nothing, skipped: 5 })).toBe(1);
});

test("tests beside the code that use a control plane are found by what they call", () => {
  const root = mkdtempSync(join(tmpdir(), "krate-layers-"));
  try {
    mkdirSync(join(root, "packages/a/src"), { recursive: true });
    const write = (name: string, text: string) => writeFileSync(join(root, "packages/a/src", name), text);
    write("plain.test.ts", 'test("x", () => {});');
    write("informer.test.ts", 'skipWithout("git", "envtest")("x", () => {});');
    write("start.test.ts", "await startControlPlane({});");
    write("informer.ts", "withControlPlane()");
    expect(controlPlaneTests(root)).toEqual(["packages/a/src/informer.test.ts", "packages/a/src/start.test.ts"]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

describe("a program we run", () => {
  const node = (code: string, options: Partial<ChildOptions> = {}) =>
    runChild(process.execPath, ["-e", code], { cwd: tmpdir(), prefix: "test", ...options });

  test("answers its exit code, or 128 and the signal that ended it", async () => {
    expect(await node("process.exit(3)")).toBe(3);
    expect(await node('process.kill(process.pid, "SIGKILL")')).toBe(137);
  });

  test("is ended at its limit", async () => {
    expect(await node("setInterval(() => {}, 1000)", { limitMinutes: 0.2 / 60 })).toBe(143);
  });
});
