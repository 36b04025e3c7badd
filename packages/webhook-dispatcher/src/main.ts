/** webhook-dispatcher: configuration, then run until a signal. */
import { runProgram } from "@krate/controller";
import { readConfig } from "./config.ts";
import { webhookDispatcher } from "./program.ts";

await runProgram(webhookDispatcher(readConfig(process.env)));
