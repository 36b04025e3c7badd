import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Tally } from "./tally.ts";

/** The part of Jest's `--json` report that is read here. */
export interface JestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; ancestorTitles: string[]; title: string; failureMessages?: string[] }[];
  }[];
}

/**
 * Counts a run of Jest. A test file that could not be loaded is one failure; so is a run without a report, without a
 * test, or that ended with an error although no test failed.
 */
export function tallyOf(report: JestReport | undefined, layer: string, exitCode: number): Tally {
  if (report === undefined) {
    return { passed: 0, failed: 1, skipped: 0, notes: [`${layer}: Jest ended with code ${exitCode} and no report`] };
  }
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  const notes = [
    ...skipReasons(report).map((reason) => `${layer}: ${reason}`),
    ...broken.map(({ name }) => `${layer}: failed: ${name} did not run`),
    ...failedTests(report).map((test) => `${layer}: failed: ${test}`),
  ];
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + report.numTodoTests;
  let failed = report.numFailedTests + broken.length;
  if (failed === 0 && passed + skipped === 0) {
    failed = 1;
    notes.push(`${layer}: no test was found`);
  } else if (failed === 0 && exitCode !== 0 && exitCode <= 128) {
    failed = 1;
    notes.push(`${layer}: every test passed, but Jest ended with code ${exitCode}`);
  }
  if (exitCode > 128) {
    failed++;
    notes.push(`${layer}: failed: Jest did not end by itself: a test took too long or left something open`);
  }
  return { passed, failed, skipped, notes };
}

function failedTests(report: JestReport): string[] {
  return report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "failed")
      .map(({ ancestorTitles, title, failureMessages }) =>
        [`${name} › ${[...ancestorTitles, title].join(" › ")}`, ...excerpt(failureMessages?.[0] ?? "")].join("\n    "),
      ),
  );
}

/** At the end of a long output the summary may be all that is kept: why it failed stands there, the first and the last of it. */
const excerptLines = { first: 12, last: 12 };

function excerpt(message: string): string[] {
  const lines = stripVTControlCharacters(message)
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s+at .*node_modules/.test(line))
    .map((line) => line.slice(0, 300));
  if (lines.length <= excerptLines.first + excerptLines.last) return lines;
  return [...lines.slice(0, excerptLines.first), "…", ...lines.slice(-excerptLines.last)];
}

/** Skipped suites say why in their name: "the informer [skipped without envtest: kube-apiserver not built: …]". */
function skipReasons(report: JestReport): string[] {
  const counts = new Map<string, number>();
  for (const { assertionResults } of report.testResults) {
    for (const { status, ancestorTitles, title } of assertionResults) {
      if (status !== "pending" && status !== "todo") continue;
      const marked = [...ancestorTitles, title]
        .map((text) => /\[(skipped without .*)\]$/.exec(text)?.[1])
        .find((text) => text);
      const reason = marked ?? `skipped by its author: ${[...ancestorTitles, title].join(" › ")}`;
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
  return [...counts].map(([reason, count]) => `${count} ${reason}`);
}

/** Reads a report file, with names relative to the root; undefined when Jest wrote none. */
export function readReport(root: string, file: string): JestReport | undefined {
  if (!existsSync(file)) return undefined;
  const report = JSON.parse(readFileSync(file, "utf8")) as JestReport;
  const testResults = report.testResults.map((result) => ({ ...result, name: relative(root, result.name) }));
  return { ...report, testResults };
}
