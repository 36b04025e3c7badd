export { type DispatcherConfig, readConfig } from "./config.ts";
export { webhookDispatcher } from "./program.ts";
