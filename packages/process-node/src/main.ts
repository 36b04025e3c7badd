/** process-node: configuration, then run until a signal. Pods keep running and are adopted by the next start. */
import { readConfig } from "./config.ts";
import { runNode } from "./run-node.ts";

await runNode(readConfig(process.env));
