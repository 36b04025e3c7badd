import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { findFiles } from "./files.ts";
import { type Import, importsOf } from "./imports.ts";

export interface Manifest {
  name: string;
  exports?: Record<string, unknown>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

export interface SourceModule {
  /** Relative to the root: `packages/git/src/pkt-line.ts`. */
  file: string;
  imports: Import[];
  /** Tests and what only tests load. */
  isTest: boolean;
}

export interface WorkspacePackage {
  /** Folder name below `packages/`. */
  name: string;
  /** Relative to the root: `packages/git`. */
  folder: string;
  manifest: Manifest;
  modules: SourceModule[];
  /** Sources that do not parse. */
  broken: string[];
}

const testFile =
  /(\.test\.(m?ts|tsx)$|\/conformance(\.ts$|\/)|\/src\/(.*\/)?testing\/|\/(fixtures|testdata)\/|\.fixture\.ts$)/;

/** Every package below `packages/` with its sources parsed. */
export function readWorkspace(root: string): WorkspacePackage[] {
  return readdirSync(join(root, "packages"))
    .sort()
    .filter((name) => existsSync(join(root, "packages", name, "package.json")))
    .map((name) => {
      const folder = `packages/${name}`;
      const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
      const files = findFiles(root, { in: [`${folder}/src`], matching: /^(?!.*\/testdata\/).*\.(m?ts|tsx|mjs)$/ });
      const modules: SourceModule[] = [];
      const broken: string[] = [];
      for (const file of files) {
        try {
          const imports = importsOf(file, readFileSync(join(root, file), "utf8"));
          modules.push({ file, imports, isTest: testFile.test(file) });
        } catch (error) {
          broken.push(error instanceof Error ? error.message : String(error));
        }
      }
      return { name, folder, manifest, modules, broken };
    });
}

export type Target =
  | { kind: "relative"; path: string }
  | { kind: "builtin"; name: string }
  | { kind: "workspace"; name: string; subpath: string }
  | { kind: "third party"; name: string };

/** What a specifier means, from how it is written. */
export function targetOf(specifier: string): Target {
  if (specifier.startsWith(".") || specifier.startsWith("/")) return { kind: "relative", path: specifier };
  if (isBuiltin(specifier)) return { kind: "builtin", name: specifier };
  const [first = "", second = "", ...rest] = specifier.split("/");
  const name = first.startsWith("@") ? `${first}/${second}` : first;
  if (first === "@krate") return { kind: "workspace", name: second, subpath: rest.join("/") };
  return { kind: "third party", name };
}
