import { readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { type BackendRepository, runGit } from "@krate/git";

/** `commit-graph`: histories are walked without opening commits. `repack`: few packs, one index over them, a bitmap for clones. */
export type Chore = "commit-graph" | "repack";

/** More packs than this are rolled up; every one is asked for each object. */
const maxPacks = 12;
/** More loose objects than this are packed, by one of the 256 folders they are spread over evenly. */
const maxLooseInOneFolder = 8;
const timeoutMs = 60 * 60_000;

/** What is to be done, by what lies on disk. */
export async function choresOf({ gitDir }: BackendRepository): Promise<Chore[]> {
  const chores: Chore[] = [];
  const [packs, loose] = await Promise.all([
    namesIn(join(gitDir, "objects", "pack")),
    namesIn(join(gitDir, "objects", "17")),
  ]);
  const packCount = packs.filter((name) => name.endsWith(".pack")).length;
  if (packCount > maxPacks || loose.length > maxLooseInOneFolder) chores.push("repack");
  if (await isGraphOld(gitDir)) chores.push("commit-graph");
  return chores;
}

/** Whether objects came since the commit-graph was written: a push adds to a folder of objects, which dates it. */
async function isGraphOld(gitDir: string): Promise<boolean> {
  const objects = join(gitDir, "objects");
  const info = join(objects, "info");
  const graphs = [join(info, "commit-graph"), join(info, "commit-graphs", "commit-graph-chain")];
  const written = Math.max(...(await Promise.all(graphs.map(modifiedAt))));
  const folders = (await namesIn(objects)).filter((name) => /^(?:pack|[0-9a-f]{2})$/.test(name));
  const changes = await Promise.all(folders.map((name) => modifiedAt(join(objects, name))));
  const isEmpty = folders.length === 0 || (folders.length === 1 && (await namesIn(join(objects, "pack"))).length === 0);
  return !isEmpty && Math.max(0, ...changes) >= written;
}

/**
 * Does one chore. Each is safe to repeat and to be killed in: git writes beside and renames. Packs are rolled up geometrically, so that what a
 * small push adds costs what it weighs; objects nothing reaches are rolled up with the others and stay.
 */
export async function doChore(chore: Chore, { gitDir }: BackendRepository, signal: AbortSignal): Promise<void> {
  const run = (args: string[]) => runGit(args, { gitDir, signal, timeoutMs, config: { "pack.threads": "1" } });
  if (chore === "repack") {
    await run(["repack", "-d", "-l", "-q", "-n", "--geometric=2", "--write-midx", "--write-bitmap-index"]);
    return;
  }
  // Locks of a process that was killed: whoever works here holds the lock of housekeeping.
  await rm(join(gitDir, "objects", "info", "commit-graphs", "commit-graph-chain.lock"), { force: true });
  await run(["commit-graph", "write", "--reachable", "--changed-paths", "--split", "--no-progress"]);
  // When every commit is in it already nothing is written; the date says that it was looked at.
  await touchGraph(gitDir);
}

async function touchGraph(gitDir: string): Promise<void> {
  const now = new Date();
  const chain = join(gitDir, "objects", "info", "commit-graphs", "commit-graph-chain");
  await utimes(chain, now, now).catch((error: NodeJS.ErrnoException) => {
    // A repository whose refs reach no commit has no graph.
    if (error.code !== "ENOENT") throw error;
  });
}

async function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

async function modifiedAt(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return 0;
      throw error;
    },
  );
}
