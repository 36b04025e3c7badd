/** One forge per folder: a lock file with the process id, taken over when that process is gone. */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { isAlive } from "./state.ts";

/** Takes the lock; throws naming the holder when another forge runs on this folder. Returns the release function. */
export function takeLock(file: string): () => void {
  for (;;) {
    try {
      const handle = openSync(file, "wx", 0o600);
      writeSync(handle, String(process.pid));
      closeSync(handle);
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = Number(readFileSync(file, "utf8"));
      if (holder > 0 && holder !== process.pid && isAlive(holder)) {
        throw new Error(
          `a forge already runs on this folder (process ${holder}): use it, stop it, or set KRATE_HOME to another folder`,
        );
      }
      rmSync(file, { force: true });
    }
  }
}
