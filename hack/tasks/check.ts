/** `npm run check`: a row of small validators, one line each. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { boundaries } from "../checks/boundaries.ts";
import type { Check, CheckResult } from "../checks/check.ts";
import { format } from "../checks/format.ts";
import { generated } from "../checks/generated.ts";
import { links } from "../checks/links.ts";
import { lint } from "../checks/lint.ts";
import { names } from "../checks/names.ts";
import { size } from "../checks/size.ts";
import { types } from "../checks/types.ts";

/** In the order they are shown. `generated` writes files, so it comes first and alone: the others see what it wrote. */
const checks: readonly Check[] = [generated, format, lint, types, boundaries, links, names, size];

const maxFindings = 40;

const help = `usage: npm run check -- [--all-findings] [CHECK...]

${checks.map(({ name, promise }) => `  ${name.padEnd(12)} ${promise}`).join("\n")}

Prints one line per check; a failing one says where, what, and what to do next. Exit code 1 when one failed.
`;

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { "all-findings": { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const unknown = positionals.filter((name) => !checks.some((check) => check.name === name));
  if (unknown.length > 0) {
    throw new Error(`no check "${unknown.join('", "')}": there are ${checks.map(({ name }) => name).join(", ")}`);
  }
  const selected = checks.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  let failed = 0;
  for (const check of selected) {
    const started = performance.now();
    const result = await runGuarded(check);
    report(check, result, performance.now() - started, values["all-findings"] ? Number.POSITIVE_INFINITY : maxFindings);
    if (result.outcome === "failed") failed++;
  }
  return failed > 0 ? 1 : 0;
}

async function runGuarded(check: Check): Promise<CheckResult> {
  try {
    return await check.run({ root });
  } catch (error) {
    return { outcome: "failed", saw: "an error", findings: [error instanceof Error ? error.message : String(error)] };
  }
}

const words = { passed: "ok  ", warned: "warn", failed: "FAIL" } as const;

function report(
  { name }: Check,
  { outcome, saw, findings, next }: CheckResult,
  milliseconds: number,
  limit: number,
): void {
  const count = findings.length > 0 ? `, ${findings.length} finding${findings.length === 1 ? "" : "s"}` : "";
  process.stdout.write(
    `${words[outcome]}  ${name.padEnd(12)} ${saw}${count} (${(milliseconds / 1000).toFixed(1)} s)\n`,
  );
  for (const finding of findings.slice(0, limit)) process.stdout.write(`        ${finding}\n`);
  if (findings.length > limit) process.stdout.write(`        … ${findings.length - limit} more (--all-findings)\n`);
  if (findings.length > 0 && next) process.stdout.write(`        next: ${next}\n`);
}

process.exitCode = await main();
