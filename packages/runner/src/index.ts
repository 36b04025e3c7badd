/** @krate/runner: start reading at `main.ts`, then `run-job.ts`. */
export { type RunnerConfig, readConfig } from "./config.ts";
export { Output } from "./output.ts";
export { runJob } from "./run-job.ts";
