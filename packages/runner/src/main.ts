#!/usr/bin/env node
/** krate-runner: runs the job of this Pod and leaves its result. */
import { renameSync, writeFileSync } from "node:fs";
import { formatResult, type JobResult } from "@krate/workflow";
import { readConfig } from "./config.ts";
import { Output } from "./output.ts";
import { runJob } from "./run-job.ts";

const cancel = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => cancel.abort());

function leave(file: string, result: JobResult): void {
  const text = formatResult(result);
  // A termination message of Kubernetes is a mounted file: it can be written, but nothing can be renamed over it.
  if (file.startsWith("/dev/")) {
    writeFileSync(file, text);
  } else {
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }
}

try {
  const config = readConfig(process.env);
  const output = new Output((text) => process.stdout.write(text));
  const result = await runJob({ config, output, signal: cancel.signal, now: () => new Date() });
  leave(config.terminationLog, result);
  process.exitCode = result.phase === "Succeeded" ? 0 : 1;
} catch (error) {
  const message = (error as Error).message;
  try {
    const file = process.env["KRATE_TERMINATION_LOG"] ?? "/dev/termination-log";
    leave(file, { phase: "Failed", exitCode: 2, message, steps: [], outputs: {} });
  } catch {
    // Without a result the job fails as well; the line below says why.
  }
  process.stderr.write(`krate-runner: ${(error as Error).message}\n`);
  process.exitCode = 2;
}
