/** Processes as /proc shows them. Source: proc_pid_stat(5). Linux only. */
import { readdirSync, readFileSync } from "node:fs";

/** Names one process for as long as the machine runs; undefined when it is gone (a zombie is). */
export function startTimeOf(pid: number): string | undefined {
  const stat = readOrNothing(`/proc/${pid}/stat`)?.toString("latin1");
  if (!stat) return undefined;
  // The second field is the program's name in parentheses and may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") return undefined;
  return `${bootId()}/${fields[18]}`;
}

let boot: string | undefined;
export function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

/** Processes of a Pod: all that carry its uid in their environment, also those that left the process group. */
export function processesOfPod(uid: string): number[] {
  const mark = Buffer.from(`KRATE_POD_UID=${uid}\0`);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && (readOrNothing(`/proc/${name}/environ`)?.includes(mark) ?? false))
    .map(Number)
    .filter((pid) => startTimeOf(pid) !== undefined);
}

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined; // gone meanwhile, or somebody else's
  }
}

/**
 * Sends a signal to a process, or with a negative pid to a group. One that is gone is fine, and so is one that became
 * somebody else (a program with the set-user-id bit, where the node is not root): it cannot be reached.
 */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!["ESRCH", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
