import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

/** Which process holds a lock or a folder: enough to tell, later and from another process, whether it still lives. */
export interface ProcessOwner {
  host: string;
  pid: number;
  /** Start time of the process in clock ticks since boot, where the system tells (Linux): a recycled pid is another process. */
  startTicks?: string;
}

/** This process. */
export const thisProcess: ProcessOwner = { host: hostname(), pid: process.pid, ...ownStartTicks() };

function ownStartTicks(): { startTicks?: string } {
  try {
    return { startTicks: startTicksOf(readFileSync("/proc/self/stat", "latin1")) };
  } catch {
    // No procfs: pid and host must do.
    return {};
  }
}

/** Field 22 of /proc/<pid>/stat; the second field may hold spaces and parentheses, so counting starts behind the last ")". */
function startTicksOf(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/** Whether `owner` is known to be gone: true and false are certain, undefined means another host. */
export async function isGone(owner: ProcessOwner): Promise<boolean | undefined> {
  if (owner.host !== thisProcess.host) return undefined;
  if (owner.startTicks !== undefined) {
    try {
      return startTicksOf(await readFile(`/proc/${owner.pid}/stat`, "latin1")) !== owner.startTicks;
    } catch {
      return true;
    }
  }
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
