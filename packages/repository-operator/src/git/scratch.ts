import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReadOptions } from "@krate/git";

const prefix = "krate-merge-";
/** Longer than any reconcile may take: what is older was left by a process that is gone. */
const leftAfterMs = 3_600_000;

/** An empty repository that sees the objects of others: what git writes lands here and is gone at the end. */
export interface ScratchRepository extends AsyncDisposable {
  read: ReadOptions;
}

/**
 * Only the gateway writes to a repository on disk, so merges are computed in a repository of their own that has the real ones
 * as alternates (gitrepository-layout(5), objects/info/alternates). No ref, no lock and no config of the real ones is touched.
 */
export async function scratchRepository(
  gitDirs: readonly string[],
  options: { signal?: AbortSignal; folder?: string } = {},
): Promise<ScratchRepository> {
  const gitDir = await mkdtemp(join(options.folder ?? tmpdir(), prefix));
  try {
    await mkdir(join(gitDir, "objects", "info"), { recursive: true });
    await mkdir(join(gitDir, "refs"));
    await writeFile(join(gitDir, "HEAD"), "ref: refs/heads/none\n");
    const alternates = gitDirs.map((path) => `${join(path, "objects")}\n`).join("");
    await writeFile(join(gitDir, "objects", "info", "alternates"), alternates);
  } catch (error) {
    await rm(gitDir, { recursive: true, force: true });
    throw error;
  }
  return {
    // Nothing here outlives the process, so nothing is flushed to disk.
    read: { gitDir, config: { "core.fsync": "none" }, ...(options.signal && { signal: options.signal }) },
    [Symbol.asyncDispose]: () => rm(gitDir, { recursive: true, force: true }),
  };
}

/** Removes what killed processes left. */
export async function sweepScratch(folder = tmpdir(), now = Date.now()): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const modified = await stat(path).catch(() => undefined);
    if (modified && now - modified.mtimeMs > leftAfterMs) await rm(path, { recursive: true, force: true });
  }
}
