/** `npm test`: every layer this machine can run, fastest first. */
import { fileURLToPath } from "node:url";
import { wasInterrupted } from "../layers/children.ts";
import { layers } from "../layers/layers.ts";
import { type LayerResult, runLayers } from "../layers/run-layers.ts";
import { exitCode, sum, summaryLine } from "../layers/tally.ts";

const help = `usage: npm test -- [LAYER...] [PATH or Jest argument...]

${layers.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join("\n")}

Without arguments every layer runs that this machine can; the others are named. With a path or a Jest argument and no layer,
only unit tests that match. Ends with one line: N passed, N failed, N skipped.

  KRATE_REQUIRE=envtest,kyverno      a layer named here must run: missing is a failure (also: all)
  CI=true                            also the layer check

examples:
  npm test -- unit
  npm test -- packages/git -t pkt-line
  npm test -- standalone -t "merge"
`;

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const say = (line: string) => process.stderr.write(`\nkrate: ${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    process.stdout.write(help);
    return 0;
  }
  const named = args.filter((arg) => layers.some(({ name }) => name === arg));
  const jestArguments = args.filter((arg) => !named.includes(arg));
  const byDefault = jestArguments.length > 0 ? ["unit"] : layers.map(({ name }) => name);
  const selected = named.length > 0 ? named : byDefault;
  const results = await runLayers({
    context: { root, jestArguments, env: process.env },
    layers: layers.filter(({ name }) => selected.includes(name)),
    required: requiredLayers(),
    say,
    interrupted: wasInterrupted,
  });
  const total = sum(results);
  report(results, total.notes);
  if (wasInterrupted()) say("interrupted: the layers after the last one named did not run");
  process.stdout.write(`${summaryLine(total)}\n`);
  return wasInterrupted() ? 1 : exitCode(total);
}

function requiredLayers(): Set<string> {
  const names = (process.env["KRATE_REQUIRE"] ?? "").split(",").map((name) => name.trim());
  if (names.includes("all")) return new Set(layers.map(({ name }) => name));
  // who requires the forge on a real control plane requires the tests beside the code that use one
  return new Set(names.includes("envtest") ? [...names, "integration"] : names);
}

function report(results: readonly LayerResult[], notes: readonly string[]): void {
  process.stdout.write("\n");
  for (const { name, outcome, passed, failed, skipped, seconds } of results) {
    const counts =
      outcome === "ran" ? `${summaryLine({ passed, failed, skipped, notes: [] })} (${seconds.toFixed(0)} s)` : outcome;
    process.stdout.write(`${name.padEnd(12)} ${counts}\n`);
  }
  if (notes.length > 0) process.stdout.write(`\n${notes.map((note) => `- ${note}`).join("\n")}\n`);
  process.stdout.write("\n");
}

process.exitCode = await main(process.argv.slice(2));
