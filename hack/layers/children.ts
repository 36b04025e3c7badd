import { type ChildProcess, spawn } from "node:child_process";
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
}

const graceSeconds = 10;

/** Runs a program to its end. @returns its exit code; 1 for a program ended by a signal. @throws when it cannot be started. */
export function runChild(
  file: string,
  args: readonly string[],
  { cwd, env = {}, prefix, limitMinutes }: ChildOptions,
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
    const timers = limitMinutes === undefined ? [] : limit(child, limitMinutes * 60);
    child.on("error", (cause) => reject(new Error(`cannot run ${file}`, { cause })));
    child.on("close", (code) => {
      running.delete(child);
      for (const timer of timers) clearTimeout(timer);
      resolve(code ?? 1);
    });
  });
}

function limit(child: ChildProcess, seconds: number): NodeJS.Timeout[] {
  return [
    setTimeout(() => child.kill("SIGTERM"), seconds * 1000),
    setTimeout(() => child.kill("SIGKILL"), (seconds + graceSeconds) * 1000),
  ];
}
