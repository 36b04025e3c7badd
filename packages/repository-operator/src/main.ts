/** repository-operator: configuration, credentials, then controllers until a signal. */
import { runProgram } from "@krate/controller";
import { loadKubeConfig } from "@krate/kube";
import { readConfig } from "./config.ts";
import { operatorProgram } from "./program.ts";

const config = readConfig(process.env);
await runProgram(operatorProgram(config, await loadKubeConfig(config.program.kubeconfig)));
