/** `krate-runner` on the PATH of containers: this Node with the runner's program. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface RunnerCommand {
  node: string;
  args: string[];
  entry: string;
}

/** The runner's bundle where one was built, its sources otherwise; `packages` is the folder with all packages. */
export function runnerCommand(packages: string, entry?: string): RunnerCommand {
  const bundle = join(packages, "runner", "dist", "main.mjs");
  const sources = join(packages, "runner", "src", "main.ts");
  const chosen = entry ?? (existsSync(bundle) && process.env["KRATE_FROM_SOURCES"] !== "true" ? bundle : sources);
  const args = [
    "--disable-warning=ExperimentalWarning",
    ...(chosen.endsWith(".ts") ? ["--conditions=development"] : []),
  ];
  return { node: process.execPath, args, entry: chosen };
}

/** Writes `<folder>/krate-runner` in one step: Pods of an earlier start may be about to run it. */
export function writeRunnerScript(folder: string, { node, args, entry }: RunnerCommand): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const file = join(folder, "krate-runner");
  const words = [node, ...args, entry].map(quote).join(" ");
  writeFileSync(`${file}.new`, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  renameSync(`${file}.new`, file);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
