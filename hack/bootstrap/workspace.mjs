/** Installs the workspace's packages when, and only when, what decides about them changed. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { run } from "./process.mjs";
import { nodeVersion, pnpmVersion } from "./toolchain.mjs";

/**
 * A digest of everything `pnpm install --frozen-lockfile` depends on.
 * @param {string} root
 * @returns {string}
 */
export function installStamp(root) {
  const hash = createHash("sha256").update(`${nodeVersion} ${pnpmVersion} ${process.platform}-${process.arch}\n`);
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml", ...manifests(root)]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}

/** The package.json files of the workspace, sorted. */
export function manifests(root) {
  const packages = existsSync(join(root, "packages")) ? readdirSync(join(root, "packages")) : [];
  const folders = [".", "bench", "test-e2e", ...packages.map((name) => `packages/${name}`)];
  return folders
    .map((folder) => join(folder, "package.json"))
    .filter((file) => existsSync(join(root, file)))
    .sort();
}

/**
 * Runs pnpm unless the last install was of exactly this state. Two starts at once take turns.
 * @param {{ root: string, cacheFolder: string, toolchain: { pnpm: string }, env: NodeJS.ProcessEnv, say: (line: string) => void }} options
 * @throws when pnpm fails; pnpm's own output was shown.
 */
export async function ensureWorkspace({ root, cacheFolder, toolchain, env, say }) {
  const stampFile = join(root, "node_modules", ".krate-install");
  const isCurrent = () => existsSync(stampFile) && readFileSync(stampFile, "utf8") === installStamp(root);
  if (isCurrent()) return;
  await withLock(join(cacheFolder, "install.lock"), async () => {
    if (isCurrent()) return;
    say("installing packages");
    const stamp = installStamp(root);
    const args = ["install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=warn"];
    const { code } = await run(toolchain.pnpm, args, { cwd: root, env: { ...env, CI: "true" } });
    if (code !== 0) {
      throw new Error(
        "pnpm install failed. If a package.json changed on purpose, update the lockfile: source hack/env.sh && pnpm install",
      );
    }
    writeFileSync(stampFile, stamp);
  });
}
