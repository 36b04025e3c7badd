/** `npm run build`: brings the bundle of every program up to date. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { withLock } from "../bootstrap/lock.mjs";
import { bundleProgram } from "../bundle/bundle.ts";
import { findPrograms, type Program } from "../bundle/programs.ts";
import { Digests } from "../bundle/stamp.ts";
import { runTool } from "../checks/run-tool.ts";

const help = `usage: npm run build -- [--force] [--quiet] [PROGRAM...]

Bundles packages/*/src/main.ts to packages/*/dist/main.mjs where sources or lockfile changed, and runs the build script of
packages that have one of their own (through turbo, which caches it).

  --force   build although nothing changed
  --quiet   say nothing when nothing was to do
`;

const root = fileURLToPath(new URL("../..", import.meta.url));

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { force: { type: "boolean" }, quiet: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const programs = select(findPrograms(root), positionals);
  return withLock(join(root, ".cache", "build.lock"), async () => {
    const started = performance.now();
    const built = await bundleAll(
      programs.filter(({ build }) => build === "bundle"),
      values.force ?? false,
    );
    if (built.failed > 0) return 1;
    if (built.names.length > 0 || !values.quiet) {
      const what = built.names.length > 0 ? built.names.join(", ") : "nothing, all current";
      process.stderr.write(`krate: built ${what} (${Math.round(performance.now() - started)} ms)\n`);
    }
    return runOwnScripts(programs.filter(({ build }) => build === "own script"));
  });
}

function select(programs: Program[], names: readonly string[]): Program[] {
  const unknown = names.filter((name) => !programs.some((program) => program.name === name));
  if (unknown.length > 0) {
    throw new Error(`no program "${unknown.join('", "')}": there are ${programs.map(({ name }) => name).join(", ")}`);
  }
  return names.length === 0 ? programs : programs.filter(({ name }) => names.includes(name));
}

/** One program that does not build is reported and does not keep the others from being built. */
async function bundleAll(programs: Program[], force: boolean): Promise<{ names: string[]; failed: number }> {
  const digests = new Digests(root);
  const names: string[] = [];
  const outcomes = await Promise.allSettled(
    programs.map(async (program) => {
      if (await bundleProgram(root, program, digests, force)) names.push(program.name);
    }),
  );
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === "rejected" ? [{ name: programs[index]?.name, error: outcome.reason as Error }] : [],
  );
  for (const { name, error } of failures) process.stderr.write(`krate: cannot build ${name}: ${error.message}\n`);
  return { names: names.sort(), failed: failures.length };
}

/** turbo answers from its cache in a fraction of a second; a real build takes long enough to be announced. */
const announceAfterMilliseconds = 1500;

async function runOwnScripts(programs: Program[]): Promise<number> {
  if (programs.length === 0) return 0;
  const names = programs.map(({ name }) => name);
  const filters = names.map((name) => `--filter=./packages/${name}`);
  const announce = setTimeout(
    () => process.stderr.write(`krate: building ${names.join(", ")} (some 20 s, once per change)\n`),
    announceAfterMilliseconds,
  );
  // turbo's banner goes to stdout, which belongs to the program that is started next
  const args = ["run", "build", ...filters, "--output-logs=errors-only", "--log-prefix=none"];
  const { code, output } = await runTool(root, "turbo", args);
  clearTimeout(announce);
  if (code !== 0) process.stderr.write(output);
  return code;
}

process.exitCode = await main();
