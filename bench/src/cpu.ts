/** What processes cost, as the kernel counts it: right even when others use the machine. */
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100; // USER_HZ, the same on every Linux
const pageBytes = 4096;

interface Process {
  pid: number;
  parent: number;
  seconds: number;
  residentBytes: number;
}

/** Fields behind the name, which may itself hold spaces and parentheses. proc_pid_stat(5) */
function parse(pid: number, stat: string): Process {
  const fields = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const at = (number: number) => fields[number - 3] ?? 0; // as numbered by the manual; the state is 3
  return {
    pid,
    parent: at(4),
    seconds: (at(14) + at(15) + at(16) + at(17)) / ticksPerSecond,
    residentBytes: at(24) * pageBytes,
  };
}

function allProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [parse(Number(name), readFileSync(`/proc/${name}/stat`, "latin1"))];
      } catch {
        return []; // it has just ended
      }
    });
}

/** User and system time of these processes and their descendants, in seconds. Linux only: elsewhere undefined. */
export function cpuSeconds(roots: readonly number[]): number | undefined {
  if (process.platform !== "linux") return undefined;
  return treeOf(roots).reduce((sum, each) => sum + each.seconds, 0);
}

/** Memory of one process. Linux only: elsewhere undefined. */
export function residentBytes(pid: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  return parse(pid, readFileSync(`/proc/${pid}/stat`, "latin1")).residentBytes;
}

function treeOf(roots: readonly number[]): Process[] {
  const processes = allProcesses();
  const chosen = new Set(roots);
  for (let size = -1; size !== chosen.size; ) {
    size = chosen.size;
    for (const { pid, parent } of processes) if (chosen.has(parent)) chosen.add(pid);
  }
  return processes.filter(({ pid }) => chosen.has(pid));
}
