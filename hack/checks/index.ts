import { boundaries } from "./boundaries.ts";
import type { Check, CheckContext, CheckResult } from "./check.ts";
import { format } from "./format.ts";
import { generated } from "./generated.ts";
import { links } from "./links.ts";
import { lint } from "./lint.ts";
import { names } from "./names.ts";
import { size } from "./size.ts";
import { types } from "./types.ts";

/** In the order they run. `generated` writes files, so it comes first and alone: the others see what it wrote. */
export const checks: readonly Check[] = [generated, format, lint, types, boundaries, links, names, size];

const words = { passed: "ok  ", warned: "warn", failed: "FAIL" } as const;

/** Runs one check and prints its line; a failing one also what, where, and what to do next. An error is a failure. */
export async function runCheck(check: Check, context: CheckContext, { maxFindings = 40 } = {}): Promise<CheckResult> {
  const started = performance.now();
  const result = await runGuarded(check, context);
  const { outcome, saw, findings, next } = result;
  const count = findings.length > 0 ? `, ${findings.length} finding${findings.length === 1 ? "" : "s"}` : "";
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const print = (line: string) => process.stdout.write(`${line}\n`);
  print(`${words[outcome]}  ${check.name.padEnd(12)} ${saw}${count} (${seconds} s)`);
  for (const finding of findings.slice(0, maxFindings)) print(`        ${finding}`);
  if (findings.length > maxFindings) print(`        … ${findings.length - maxFindings} more (--all-findings)`);
  if (findings.length > 0 && next) print(`        next: ${next}`);
  return result;
}

async function runGuarded(check: Check, context: CheckContext): Promise<CheckResult> {
  try {
    return await check.run(context);
  } catch (error) {
    return { outcome: "failed", saw: "an error", findings: [error instanceof Error ? error.message : String(error)] };
  }
}
