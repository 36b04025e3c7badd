import { spawn } from "node:child_process";
import { constants } from "node:os";

const forwardedSignals = ["SIGTERM", "SIGHUP", "SIGINT"];

/**
 * Runs a program on our terminal until it ends, passing signals on to it.
 *
 * Ctrl-C in a terminal reaches the whole process group by itself; only without a terminal is SIGINT passed on.
 * @param {string} file
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ code: number }>} 128 + signal number when a signal ended it.
 */
export function run(file, args, { cwd, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: "inherit" });
    const forward = (signal) => {
      if (signal === "SIGINT" && process.stdin.isTTY) return;
      child.kill(signal);
    };
    for (const signal of forwardedSignals) process.on(signal, forward);
    child.on("error", (cause) => reject(new Error(`cannot run ${file}`, { cause })));
    child.on("exit", (code, signal) => {
      for (const name of forwardedSignals) process.off(name, forward);
      resolve({ code: code ?? 128 + (constants.signals[signal] ?? 0) });
    });
  });
}
