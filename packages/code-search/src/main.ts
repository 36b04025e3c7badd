/** code-search: configuration, credentials, then index and answer until a signal. */
import { runProgram } from "@krate/controller";
import { loadKubeConfig } from "@krate/kube";
import { readConfig } from "./config.ts";
import { codeSearch } from "./program.ts";

const config = readConfig(process.env);
await runProgram(codeSearch(config, await loadKubeConfig(config.program.kubeconfig)));
