import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { binaryFolder, binaryPath, moduleFolder, programVersion } from "./binaries.ts";
import { withLock } from "./lock.ts";
import { type GoProgram, type ProgramName, programs } from "./programs.ts";

/**
 * Makes sure that the program is built and resolves to its path. Two builders of one cache wait for each other; a build
 * that is interrupted leaves nothing that looks finished.
 *
 * @throws Error when Go is missing or too old (the text says what to install), or when the build fails.
 */
export async function buildProgram(name: ProgramName, log: (line: string) => void = () => {}): Promise<string> {
  const target = binaryPath(name);
  if (existsSync(target)) return target;
  const cache = dirname(binaryFolder(name));
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, "build"), async () => {
    if (existsSync(target)) return;
    const program: GoProgram = programs[name];
    const goVersion = await checkGo(moduleFolder(name));
    log(`building ${name} ${programVersion(name)} with ${goVersion} (about ${program.buildMinutes} min on 2 cores)`);
    const began = performance.now();
    const minutes = () => Math.round((performance.now() - began) / 60_000);
    const progress = setInterval(() => log(`still building ${name} (${minutes()} min)`), 60_000);
    await buildInto(name, program, cache).finally(() => clearInterval(progress));
    log(`built ${target}`);
  });
  return target;
}

async function buildInto(name: ProgramName, program: GoProgram, cache: string): Promise<void> {
  const leftovers = (await readdir(cache)).filter((entry) => entry.startsWith(".building-")); // of interrupted builds
  for (const entry of leftovers) await rm(join(cache, entry), { recursive: true, force: true });
  const scratch = await mkdtemp(join(cache, `.building-${name}-`));
  try {
    await runGo(goArguments(name, program, join(scratch, name)), moduleFolder(name));
    if (program.files) await copyProgramFiles(program.files, await sourceFolder(name), join(scratch, "files"));
    await rename(scratch, binaryFolder(name));
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function goArguments(name: ProgramName, program: GoProgram, output: string): string[] {
  const flags = ["-s", "-w", ...(program.linkerFlags?.(programVersion(name)) ?? [])];
  const tags = program.tags ? ["-tags", program.tags.join(",")] : [];
  return ["build", "-trimpath", "-buildvcs=false", ...tags, "-ldflags", flags.join(" "), "-o", output, program.package];
}

/** Where Go unpacked the required module: the build has just used it. */
async function sourceFolder(name: ProgramName): Promise<string> {
  const args = ["list", "-m", "-f", "{{.Dir}}", programs[name].module];
  const { stdout } = await promisify(execFile)("go", args, { cwd: moduleFolder(name), env: goEnvironment });
  return stdout.trim();
}

async function copyProgramFiles(files: NonNullable<GoProgram["files"]>, source: string, target: string): Promise<void> {
  if (typeof files === "string") return copyFiles(join(source, files), target);
  for (const folder of files) await copyFiles(join(source, folder), join(target, folder));
}

/** Go keeps modules read-only; the copy is ours to delete. */
async function copyFiles(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  for (const entry of await readdir(to, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

const goEnvironment = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" };

/** The version of the Go that will build in `folder` (Go may fetch the toolchain that go.mod names by itself). */
export async function checkGo(folder: string): Promise<string> {
  const needed = /^go (\S+)$/m.exec(await readFile(join(folder, "go.mod"), "utf8"))?.[1] ?? "0";
  const advice = `cannot build: needs Go ${needed} or newer on PATH (see https://go.dev/dl)`;
  const version = await promisify(execFile)("go", ["env", "GOVERSION"], { cwd: folder, env: goEnvironment })
    .then(({ stdout }) => stdout.trim())
    .catch((cause: Error) => {
      throw new Error(`${advice}: ${cause.message}`, { cause });
    });
  if (!isAtLeast(version.replace(/^go/, ""), needed)) throw new Error(`${advice}: found ${version}`);
  return version;
}

/** Compares dotted versions number by number: 1.26.8 is at least 1.26.0. */
export function isAtLeast(version: string, needed: string): boolean {
  return version.localeCompare(needed, "en", { numeric: true }) >= 0;
}

/** Runs `go` without cgo and with the modules that go.sum pins. */
export function runGo(args: string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, { cwd, env: goEnvironment, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`cannot build: go ${args[0]} in ${cwd} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}
