import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GoProgram, type ProgramName, programs } from "./programs.ts";

/** The repository this file belongs to. */
export const repositoryRoot = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * Folder of everything that is slow to make and the same for every clone: `KRATE_CACHE_DIR`, else `krate` below
 * `XDG_CACHE_HOME` (default `~/.cache`).
 */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.KRATE_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "krate");
}

/** Where the program of this very version and module lies, or would lie once built. */
export function binaryPath(name: ProgramName): string {
  return join(binaryFolder(name), name);
}

/** Where the folder {@link GoProgram.files} of the program's module was copied to. */
export function programFiles(name: ProgramName): string {
  return join(binaryFolder(name), "files");
}

/** `<cache>/control-plane/<name>-<version>-<hash>`; the hash covers what decides the binary: modules, flags, platform. */
export function binaryFolder(name: ProgramName): string {
  const program: GoProgram = programs[name];
  const version = programVersion(name);
  const hash = createHash("sha256");
  for (const file of ["go.mod", "go.sum"]) hash.update(readFileSync(join(moduleFolder(name), file)));
  const recipe = [program.package, program.tags, program.linkerFlags?.(version), process.platform, process.arch];
  hash.update(JSON.stringify(program.files ? [...recipe, program.files] : recipe));
  return join(cacheFolder(), "control-plane", `${name}-${version}-${hash.digest("hex").slice(0, 12)}`);
}

/** The Go module that pins the program. */
export function moduleFolder(name: ProgramName): string {
  return join(repositoryRoot, "hack", "control-plane.d", "modules", programs[name].folder);
}

/** Version that go.mod requires, such as `v1.36.3`. */
export function programVersion(name: ProgramName): string {
  const goMod = readFileSync(join(moduleFolder(name), "go.mod"), "utf8");
  const { module } = programs[name];
  const version = goMod
    .split("\n")
    .map((line) =>
      line
        .replace(/^require /, "")
        .trim()
        .split(" "),
    )
    .find(([path]) => path === module)?.[1];
  if (!version?.startsWith("v")) throw new Error(`${moduleFolder(name)}/go.mod does not require ${module}`);
  return version;
}

/** Those of `names` that are not built. Nothing is built or started: cheap enough for every test file. */
export function missingPrograms(names: ProgramName[]): ProgramName[] {
  return names.filter((name) => !existsSync(binaryPath(name)));
}
