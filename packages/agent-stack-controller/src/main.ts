/** agent-stack-controller: configuration, then run until a signal. */
import { runProgram } from "@krate/controller";
import { readConfig } from "./config.ts";
import { agentStackController } from "./program.ts";

await runProgram(agentStackController(readConfig(process.env)));
