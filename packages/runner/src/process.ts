/** Runs one process of a step in its own process group, so that everything it started ends with it. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Output } from "./output.ts";

export interface ProcessOptions {
  cwd: string;
  env: Record<string, string>;
  output: Pick<Output, "lines">;
  timeoutSeconds: number;
  /** Fires when the job is cancelled. */
  signal: AbortSignal;
}

export type ProcessEnd = { how: "exit"; exitCode: number } | { how: "cancelled" } | { how: "timeout" };

/** After SIGTERM a step has this long to clean up. */
const graceMilliseconds = 5000;

/** Output that is still in the pipe when a step ends is read for this long. */
const drainMilliseconds = 2000;

/** Resolves when the process and its output have ended. @throws Error when it cannot be started */
export function runProcess(command: string, args: readonly string[], options: ProcessOptions): Promise<ProcessEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const sinks = [options.output.lines(), options.output.lines()] as const;
    child.stdout.on("data", sinks[0].write);
    child.stderr.on("data", sinks[1].write);
    let stopped: "cancelled" | "timeout" | undefined;
    let killTimer: NodeJS.Timeout | undefined;
    const group = (signal: NodeJS.Signals) => {
      try {
        if (child.pid) process.kill(-child.pid, signal);
      } catch {
        // The group is gone already.
      }
    };
    const stop = (why: "cancelled" | "timeout") => {
      if (stopped) return;
      stopped = why;
      group("SIGTERM");
      killTimer = setTimeout(() => group("SIGKILL"), graceMilliseconds);
    };
    const timer = setTimeout(() => stop("timeout"), options.timeoutSeconds * 1000);
    const onAbort = () => stop("cancelled");
    if (options.signal.aborted) onAbort();
    options.signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (cause) => reject(new Error(`cannot run ${command}: ${cause.message}`, { cause })));
    child.once("exit", () => {
      // Whatever the step left running would hold its output open and outlive it.
      setTimeout(() => group("SIGKILL"), 100).unref();
      // What left the group as well cannot be killed from here, but nobody waits for its output.
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, drainMilliseconds).unref();
    });
    child.once("close", (code, signalName) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      options.signal.removeEventListener("abort", onAbort);
      for (const sink of sinks) sink.end();
      resolve(
        stopped
          ? { how: stopped }
          : { how: "exit", exitCode: code ?? 128 + (signalName ? constants.signals[signalName] : 0) },
      );
    });
  });
}
