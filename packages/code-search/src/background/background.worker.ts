/** The thread that fetches and indexes, after everybody else: on Linux itself and the git processes it starts have nice 10. */
import { execFile } from "node:child_process";
import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { promisify } from "node:util";
import { indexRepository } from "../embedded/index-repository.ts";
import { readBranches } from "../embedded/read-branches.ts";
import { DamagedIndexError, isDamage } from "../embedded/schema.ts";
import { serveJobs } from "../engine/serve-jobs.ts";
import { fetchMirror } from "../mirror/mirror.ts";
import type { BackgroundJob } from "./jobs.ts";

/** It only logs. */
const outputLimitBytes = 4 * 1024 * 1024;

lowerPriority();

serveJobs((request) => {
  const job = request as BackgroundJob;
  switch (job.kind) {
    case "fetch":
      return fetchMirror(job.options);
    case "index":
      return indexRepository(job.file, job.options).catch((error: unknown) => {
        if (isDamage(error)) throw new DamagedIndexError(job.file, String(error), { cause: error });
        throw error;
      });
    case "run":
      return promisify(execFile)(job.command, job.args, {
        timeout: job.timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: outputLimitBytes,
      }).then(
        () => undefined,
        (error: Error & { stderr?: string }) => {
          throw new Error(`${job.command} failed: ${error.stderr?.trim().slice(-2000) || error.message}`);
        },
      );
    case "branches":
      try {
        return readBranches(job.file);
      } catch (error) {
        if (isDamage(error)) return undefined;
        throw error;
      }
  }
});

/** A thread has a priority of its own on Linux, and processes it starts inherit it; elsewhere nothing is changed. */
function lowerPriority(): void {
  if (process.platform !== "linux") return;
  const [, thread] = /\/task\/(\d+)$/.exec(readlinkSync("/proc/thread-self")) ?? [];
  if (thread) setPriority(Number(thread), constants.priority.PRIORITY_BELOW_NORMAL);
}
