import { spawn } from "node:child_process";
import { constants } from "node:os";

const forwardedSignals = ["SIGTERM", "SIGHUP", "SIGINT"];

/** Enough to see what went wrong. */
const keptCharacters = 4000;

/**
 * Runs a program to its end, passing signals on to it, so that ending us ends it.
 *
 * Ctrl-C in a terminal reaches the whole process group by itself; only without a terminal is SIGINT passed on.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd?: string, env: NodeJS.ProcessEnv, keepOutput?: boolean }} options `keepOutput`: its output is not shown but
 *   returned, the last 4000 characters of it.
 * @returns {Promise<{ code: number, signal: NodeJS.Signals | undefined, output: string }>} `code` is 128 + signal number
 *   when a signal ended it; `signal` is the one that we were sent meanwhile.
 */
export function run(file, args, { cwd, env, keepOutput = false }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: keepOutput ? ["ignore", "pipe", "pipe"] : "inherit" });
    let output = "";
    /** @type {NodeJS.Signals | undefined} */
    let received;
    const forward = (signal) => {
      received = signal;
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    };
    for (const signal of forwardedSignals) process.on(signal, forward);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk) => {
        output = (output + chunk).slice(-keptCharacters);
      });
    }
    child.on("error", (cause) => reject(new Error(`cannot run ${file}: ${cause.message}`, { cause })));
    child.on("close", (code, signal) => {
      for (const name of forwardedSignals) process.off(name, forward);
      resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), signal: received, output });
    });
  });
}

/** True while a process of this id exists, whoever owns it. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}
