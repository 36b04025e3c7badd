/** `npm run check`: a row of small validators, one line each. */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checks, runCheck } from "../checks/index.ts";

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
  let failed = 0;
  for (const check of checks.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    const options = values["all-findings"] ? { maxFindings: Number.POSITIVE_INFINITY } : {};
    const { outcome } = await runCheck(check, { root }, options);
    if (outcome === "failed") failed++;
  }
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main();
