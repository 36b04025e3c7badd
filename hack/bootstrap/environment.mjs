import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";

/** npm settings that say where packages come from: kept, or a mirror or proxy set by environment would be lost. */
const keptNpmSettings = new Set(
  ["registry", "proxy", "https_proxy", "noproxy", "cafile", "userconfig"].map((name) => `npm_config_${name}`),
);

/**
 * The environment for everything we start: without what `npm run` adds (`npm_*`, `INIT_CWD`), which would make the inner
 * npm and pnpm believe they run inside a package script of their own.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withoutNpmEnvironment(env) {
  const kept = Object.entries(env).filter(([name]) => {
    const lower = name.toLowerCase();
    return keptNpmSettings.has(lower) || !(lower.startsWith("npm_") || lower === "init_cwd");
  });
  return Object.fromEntries(kept);
}

/**
 * Gives an account without a usable home folder (`nobody`, many CI accounts) one below the cache, so that npm, pnpm and
 * git can keep their caches somewhere.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} cacheFolder
 * @returns {NodeJS.ProcessEnv}
 */
export function withUsableHome(env, cacheFolder) {
  if (env.HOME && isWritable(env.HOME)) return env;
  const home = join(cacheFolder, "home");
  mkdirSync(home, { recursive: true });
  const { npm_config_userconfig, XDG_DATA_HOME, XDG_CACHE_HOME, XDG_STATE_HOME, XDG_CONFIG_HOME, ...rest } = env;
  return { ...rest, HOME: home };
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
