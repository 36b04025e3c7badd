/** @krate/process-node: start reading at `run-node.ts`, then `pods/reconcile-pod.ts`, then `pods/processes.ts`. */
export { type NodeConfig, readConfig } from "./config.ts";
export { runNode } from "./run-node.ts";
