import { readFileSync } from "node:fs";
import { join } from "node:path";

/** `postmaster.pid` of a data folder. Source: src/include/utils/pidfile.h of Postgres 18 (one value a line). */
export interface PostmasterPid {
  pid: number;
  port: number;
  socketDir: string;
  status: string;
}

const line = { pid: 0, port: 3, socketDir: 4, status: 7 } as const;

/** The running (or crashed) server's file; `undefined` when there is none or it is still being written. */
export function readPostmasterPid(dataDir: string): PostmasterPid | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const pid = Number(lines[line.pid]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return {
    pid,
    port: Number(lines[line.port] ?? 0),
    socketDir: lines[line.socketDir] ?? "",
    status: lines[line.status]?.trim() ?? "",
  };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
