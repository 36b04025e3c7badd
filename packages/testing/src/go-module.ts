import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { cacheFolder } from "./control-plane/binaries.ts";
import { checkGo, runGo } from "./control-plane/build.ts";
import { withLock } from "./control-plane/lock.ts";

/**
 * Builds the program of a Go module of this repository, once for each content of its files and for all clones, and
 * resolves to its path. Two builders wait for each other.
 *
 * @param folder with go.mod, go.sum and the package main
 * @throws Error when Go is missing or too old (the text says what to install), or when the build fails
 */
export async function buildGoModule(folder: string): Promise<string> {
  const name = basename(folder);
  const target = join(cacheFolder(), "go", `${name}-${await digestOf(folder)}`, name);
  if (existsSync(target)) return target;
  const cache = dirname(dirname(target));
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, "build"), async () => {
    if (existsSync(target)) return;
    await checkGo(folder);
    const scratch = await mkdtemp(join(cache, `.building-${name}-`));
    try {
      const flags = ["-trimpath", "-buildvcs=false", "-ldflags", "-s -w"];
      await runGo(["build", ...flags, "-o", join(scratch, name), "."], folder);
      await rename(scratch, dirname(target));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
  return target;
}

/** Over everything that decides the binary. */
async function digestOf(folder: string): Promise<string> {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  const sources = (await readdir(folder)).filter((file) => /\.go$|^go\.(mod|sum)$/.test(file));
  for (const file of sources.toSorted()) hash.update(`${file}\n`).update(await readFile(join(folder, file)));
  return hash.digest("hex").slice(0, 12);
}
