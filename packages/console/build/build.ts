/**
 * `pnpm build`: `next build`, then `dist/` with all that a running console needs:
 *
 *   dist/main.mjs   the program
 *   dist/next/      Next's standalone output with its static files
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("..", import.meta.url));
const at = (...path: string[]) => join(folder, ...path);
const temporary = at(`.dist-${process.pid}`);

function buildPages(): void {
  const next = spawnSync(process.execPath, [at("node_modules/next/dist/bin/next"), "build"], {
    cwd: folder,
    stdio: "inherit",
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" },
  });
  if (next.error) throw next.error;
  if (next.status !== 0) throw new Error(`next build ended with ${next.status ?? next.signal}`);
}

try {
  buildPages();
  mkdirSync(temporary, { recursive: true });
  // Links stay relative: the folder must work wherever it is moved to.
  cpSync(at(".next/standalone"), join(temporary, "next"), { recursive: true, verbatimSymlinks: true });
  cpSync(at(".next/static"), join(temporary, "next/packages/console/.next/static"), { recursive: true });
  await build({
    entryPoints: [at("src/main.ts")],
    outfile: join(temporary, "main.mjs"),
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    conditions: ["development", "node", "module"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);',
    },
    sourcemap: "linked",
    logLevel: "warning",
  });
  rmSync(at("dist"), { recursive: true, force: true });
  renameSync(temporary, at("dist"));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
