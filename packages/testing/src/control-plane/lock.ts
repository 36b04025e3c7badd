import { writeFile } from "node:fs/promises";
import { lock } from "proper-lockfile";

/**
 * Runs `body` while no other process that uses the same lock file does. A lock whose holder died is taken over after
 * ten seconds (the holder's heartbeat stops).
 */
export async function withLock<T>(file: string, body: () => Promise<T>): Promise<T> {
  await writeFile(file, "", { flag: "a" });
  const release = await lock(file, {
    stale: 10_000,
    retries: { forever: true, factor: 1, minTimeout: 200, maxTimeout: 200 },
  });
  try {
    return await body();
  } finally {
    await release();
  }
}
