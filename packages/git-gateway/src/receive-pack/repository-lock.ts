import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isGone, type ProcessOwner, thisProcess } from "./process-owner.ts";

/** A lock of another host counts as abandoned when it was not touched for this long, in milliseconds; its holder touches it ten times as often. */
const abandonedAfterMs = 30_000;
const touchEveryMs = 3_000;
/** Longest wait for another holder. A holder keeps it for the few milliseconds a ref transaction takes. */
const maxWaitMs = 20_000;

/** Nobody could be kept waiting any longer. The text is for the client. */
export class RepositoryBusyError extends Error {
  override readonly name = "RepositoryBusyError";
}

const queues = new Map<string, Promise<void>>();

/**
 * Runs `work` as the only writer of a repository: first in line among the pushes of this process, then holder of
 * `<workDir>/receive.lock` among processes that share the disk. A lock whose holder died is taken over.
 * @throws {RepositoryBusyError} after 20 s of waiting.
 */
export async function withRepositoryLock<T>(workDir: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(workDir) ?? Promise.resolve();
  const { promise: done, resolve: release } = Promise.withResolvers<void>();
  const mine = before.then(() => done);
  queues.set(workDir, mine);
  try {
    await before;
    const unlock = await lockFile(workDir);
    try {
      return await work();
    } finally {
      await unlock();
    }
  } finally {
    release();
    if (queues.get(workDir) === mine) queues.delete(workDir);
  }
}

async function lockFile(workDir: string): Promise<() => Promise<void>> {
  await mkdir(workDir, { recursive: true });
  const deadline = Date.now() + maxWaitMs;
  for (;;) {
    const unlock = await tryFileLock(join(workDir, "receive.lock"));
    if (unlock) return unlock;
    if (Date.now() > deadline)
      throw new RepositoryBusyError("another push to this repository is taking too long; try again");
    await delay(20 + Math.random() * 30);
  }
}

/**
 * Takes a lock among processes that share the disk, or answers undefined while somebody alive holds it. It is kept, while this process
 * lives, until the answered function is called.
 */
export async function tryFileLock(path: string): Promise<(() => Promise<void>) | undefined> {
  if (!(await tryCreate(path))) {
    if (!(await isAbandoned(path))) return undefined;
    await takeAway(path);
    if (!(await tryCreate(path))) return undefined;
  }
  const touch = setInterval(() => {
    const now = new Date();
    // A lost touch is made up by the next one; a lost lock file shows when it is removed.
    utimes(path, now, now).catch(() => undefined);
  }, touchEveryMs);
  return async () => {
    clearInterval(touch);
    await rm(path, { force: true });
  };
}

async function tryCreate(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(JSON.stringify(thisProcess));
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, "utf8"), stat(path)]);
    // An empty file is one that is just being written, or whose writer died in between.
    const gone = text === "" ? undefined : await isGone(JSON.parse(text) as ProcessOwner);
    return gone ?? Date.now() - mtimeMs > abandonedAfterMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Moves an abandoned lock aside. Should a new holder have slipped in between look and move, theirs is put back. */
async function takeAway(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if (!(await isAbandoned(aside))) await link(aside, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "EEXIST") throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
