import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Guard } from "./guard.ts";

/** One program of the control plane, running. */
export interface Child {
  name: string;
  pid: number;
  logFile: string;
  /** Rejects as soon as the program ends by itself; the text has the end of its log. */
  failure: Promise<never>;
  /** SIGTERM, and SIGKILL when it is still there after `graceSeconds`. */
  stop(graceSeconds: number): Promise<void>;
}

/** Starts a program in a process group of its own (a Ctrl-C goes to us alone) with its output in `logFile`. */
export function startChild(
  guard: Guard,
  name: string,
  file: string,
  args: string[],
  logFile: string,
  env: NodeJS.ProcessEnv = process.env,
): Child {
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log], env });
  closeSync(log);
  const exited = watchExit(child);
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${name} (${file})`);
  guard.watch(pid);
  let stopping = false;
  const failure = exited.then((how) => {
    guard.release(pid);
    if (stopping) return new Promise<never>(() => {});
    throw new Error(`${name} ended with ${how}; the end of ${logFile}:\n${tail(logFile)}`);
  });
  failure.catch(() => {}); // whoever waits for the start sees it; later the process list tells
  return {
    name,
    pid,
    logFile,
    failure,
    async stop(graceSeconds) {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const killer = new AbortController();
      void delay(graceSeconds * 1000, undefined, { signal: killer.signal }).then(
        () => child.kill("SIGKILL"),
        () => {},
      );
      await exited;
      killer.abort();
    },
  };
}

async function watchExit(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, "exit");
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return String(error);
  }
}

function tail(file: string): string {
  return readFileSync(file, "utf8").split("\n").slice(-15).join("\n");
}
