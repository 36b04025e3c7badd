/**
 * What a source file reaches through `import.meta.url` must still be found from `dist/main.mjs`, where all sources end up
 * in one file. Three spellings are understood in the workspace's own sources, and rewritten while esbuild loads them:
 *
 *   new URL("./judge.worker.ts", import.meta.url)   a worker: bundled to a file of its own
 *   new URL("./migrations/", import.meta.url)       a file or folder of the same package: copied beside the bundle
 *   new URL("../../../crds/", import.meta.url)      outside the package: the same place, named from `dist/`
 *   createRequire(import.meta.url)                  resolves from where the source file stands
 *
 * `import.meta.dirname` and `import.meta.filename` cannot be rewritten safely and are refused.
 */
import { basename, join, relative, resolve } from "node:path";

export interface Relocation {
  code: string;
  /** Worker entry points (absolute) and the file name each gets in `dist/`. */
  workers: Map<string, string>;
  /** Files and folders (absolute) to copy, and the path each gets in `dist/`. */
  assets: Map<string, string>;
}

export interface SourceFile {
  /** Absolute path of the source. */
  path: string;
  code: string;
  /** Absolute folder of the package that owns the source. */
  packageFolder: string;
  /** Absolute folder the bundle is written to. */
  dist: string;
}

const urlCall = /new URL\(\s*(["'])(\.{1,2}\/[^"'\n]*|\.{1,2})\1\s*,\s*import\.meta\.url\s*,?\s*\)/g;
const requireCall = /createRequire\(\s*import\.meta\.url\s*\)/g;

/** @throws when the source uses `import.meta.dirname` or `import.meta.filename`; the text names file and line. */
export function relocate({ path, code, packageFolder, dist }: SourceFile): Relocation {
  refuseDirname(path, code);
  const workers = new Map<string, string>();
  const assets = new Map<string, string>();
  const fromDist = (target: string) => `new URL(${JSON.stringify(asRelative(dist, target))}, import.meta.url)`;

  const placeOf = (specifier: string): string => {
    const target = resolve(path, "..", specifier);
    const inPackage = relative(packageFolder, target);
    if (inPackage.startsWith("..") || inPackage === "") return fromDist(target);
    const flat = `${basename(packageFolder)}-${inPackage.replace(/^src\//, "").replaceAll("/", "-")}`;
    if (/\.m?ts$/.test(target)) {
      workers.set(target, flat.replace(/\.m?ts$/, ".mjs"));
      return `new URL(${JSON.stringify(`./${workers.get(target)}`)}, import.meta.url)`;
    }
    assets.set(target, join("assets", flat));
    return `new URL(${JSON.stringify(`./assets/${flat}${specifier.endsWith("/") ? "/" : ""}`)}, import.meta.url)`;
  };

  return {
    code: code
      .replace(urlCall, (_call, _quote, specifier: string) => keepSlash(placeOf(specifier), specifier))
      .replace(requireCall, `createRequire(${fromDist(path)})`),
    workers,
    assets,
  };
}

function keepSlash(call: string, specifier: string): string {
  const isFolder = specifier.endsWith("/") || specifier === "." || specifier === "..";
  return isFolder ? call.replace(/\/?", import/, '/", import') : call;
}

function asRelative(from: string, to: string): string {
  const path = relative(from, to);
  return path.startsWith(".") ? path : `./${path}`;
}

function refuseDirname(path: string, code: string): void {
  for (const [index, line] of code.split("\n").entries()) {
    const found = /import\.meta\.(dirname|filename)/.exec(line);
    if (found && !/^\s*(\*|\/\/)/.test(line)) {
      throw new Error(
        `${path}:${index + 1}: ${found[0]} means another folder once bundled: write new URL("./…", import.meta.url)`,
      );
    }
  }
}
