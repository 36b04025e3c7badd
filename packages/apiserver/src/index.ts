/** @krate/apiserver: start reading at `pipeline.ts`, then `standalone/standalone.ts`. */
export { type Config, readConfig } from "./config.ts";
export { type RunningServer, run } from "./run.ts";
export { type ApiServer, apiServer } from "./server.ts";
export { type StandaloneOptions, standalone } from "./standalone/standalone.ts";
export { createMemoryStore } from "./storage/memory/memory-store.ts";
