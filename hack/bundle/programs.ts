import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A package whose `src/main.ts` is bundled to `dist/main.mjs`, or that brings a `build` script of its own. */
export interface Program {
  /** Folder name below `packages/`, also the name people type. */
  name: string;
  folder: string;
  build: "bundle" | "own script";
}

/** Tools of this repository: they always run from their sources. */
const tools = new Set(["codegen"]);

/** Every program of the forge, sorted by name. */
export function findPrograms(root: string): Program[] {
  const packages = join(root, "packages");
  return readdirSync(packages)
    .sort()
    .flatMap((name): Program[] => {
      const folder = join(packages, name);
      if (tools.has(name) || !existsSync(join(folder, "package.json"))) return [];
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        scripts?: Record<string, string>;
      };
      if (manifest.scripts?.["build"]) return [{ name, folder, build: "own script" }];
      return existsSync(join(folder, "src", "main.ts")) ? [{ name, folder, build: "bundle" }] : [];
    });
}
