import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { createInterface } from "node:readline";

/** Every program we started and that still runs; a signal to us ends them all. */
const running = new Set<ChildProcess>();

/** Set once a signal came: nothing more is started. */
let interruptedBy: NodeJS.Signals | undefined;

export const wasInterrupted = (): boolean => interruptedBy !== undefined;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    interruptedBy = signal;
    for (const child of running) child.kill(signal);
  });
}

export interface ChildOptions {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** Each line of its output is shown behind this word, on standard error. @defaultValue output goes straight to ours */
  prefix?: string;
  /** After this it is asked to end (SIGTERM), ten seconds later it is ended. @defaultValue no limit */
  limitMinutes?: number;
  /** A file the program writes as its last act. If it still runs {@link lingerSeconds} later, it is ended. */
  lastFile?: string;
}

/** Jest closes its workers within a second; a busy machine gets some more. */
const lingerSeconds = 15;

const graceSeconds = 10;

/** Runs a program to its end. @returns its exit code, 128 + signal number for one ended by a signal. @throws when it cannot be started. */
export function runChild(
  file: string,
  args: readonly string[],
  { cwd, env = {}, prefix, limitMinutes, lastFile }: ChildOptions,
): Promise<number> {
  if (interruptedBy) return Promise.resolve(1);
  return new Promise((resolve, reject) => {
    const stdio = prefix === undefined ? "inherit" : (["ignore", "pipe", "pipe"] as const);
    const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: stdio as "inherit" });
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream)
        createInterface({ input: stream }).on("line", (line) => process.stderr.write(`[${prefix}] ${line}\n`));
    }
    const timers = limitMinutes === undefined ? [] : end(child, limitMinutes * 60);
    const look = setInterval(() => {
      if (lastFile === undefined || !existsSync(lastFile)) return;
      clearInterval(look);
      timers.push(...end(child, lingerSeconds));
    }, 1000);
    child.on("error", (cause) => reject(new Error(`cannot run ${file}`, { cause })));
    child.on("close", (code, signal) => {
      running.delete(child);
      for (const timer of timers) clearTimeout(timer);
      clearInterval(look);
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

/** Asks after some seconds, and insists later. */
function end(child: ChildProcess, seconds: number): NodeJS.Timeout[] {
  return [
    setTimeout(() => child.kill("SIGTERM"), seconds * 1000),
    setTimeout(() => child.kill("SIGKILL"), (seconds + graceSeconds) * 1000),
  ];
}
