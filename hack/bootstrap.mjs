#!/usr/bin/env node
/**
 * The one door into the repository: `npm start`, `npm test`, … all come here.
 *
 * Runs on any Node >= 20 without a single installed package, gets the pinned Node and pnpm, installs the workspace when it
 * changed, then hands over to the command.
 */
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { commands } from "./bootstrap/commands.mjs";
import { withoutNpmEnvironment, withUsableHome } from "./bootstrap/environment.mjs";
import { run } from "./bootstrap/process.mjs";
import { ensureToolchain } from "./bootstrap/toolchain.mjs";
import { ensureWorkspace } from "./bootstrap/workspace.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cacheFolder = join(root, ".cache");
const say = (line) => process.stderr.write(`krate: ${line}\n`);

const usage = `usage: node hack/bootstrap.mjs <command> [arguments]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`)
  .join("\n")}
`;

async function main([name, ...args]) {
  if (name === undefined || name === "--help" || name === "help") {
    process.stdout.write(usage);
    return name === undefined ? 2 : 0;
  }
  const command = commands[name];
  if (!command) throw new Error(`unknown command "${name}"\n\n${usage}`);
  mkdirSync(cacheFolder, { recursive: true });
  const cleanEnv = withUsableHome(withoutNpmEnvironment(process.env), cacheFolder);
  const toolchain = await ensureToolchain({ cacheFolder, env: cleanEnv, say });
  const env = {
    ...cleanEnv,
    PATH: [toolchain.bin, join(root, "node_modules", ".bin"), cleanEnv.PATH].join(delimiter),
    NODE_COMPILE_CACHE: cleanEnv.NODE_COMPILE_CACHE ?? join(cacheFolder, "node-compile"),
    TURBO_TELEMETRY_DISABLED: "1",
    NEXT_TELEMETRY_DISABLED: "1",
  };
  if (!command.steps) return 0;
  await ensureWorkspace({ root, cacheFolder, toolchain, env, say });
  for (const step of command.steps(args)) {
    const file = step.find((part) => !part.startsWith("-"));
    if (!existsSync(join(root, file))) throw new Error(`cannot run "${name}": ${file} does not exist in this checkout`);
    const { code } = await run(toolchain.node, step, { cwd: root, env });
    if (code !== 0) return code;
  }
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    say(error.message);
    process.exitCode = 1;
  },
);
