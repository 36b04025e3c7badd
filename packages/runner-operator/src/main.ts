/** runner-operator: configuration, credentials for Git, then controllers until a signal. */
import { runProgram } from "@krate/controller";
import { credentialsOf, loadKubeConfig } from "@krate/kube";
import { readConfig } from "./config.ts";
import { gatewayContent } from "./git/content.ts";
import { runnerOperator } from "./program.ts";

const config = readConfig(process.env);
const credentials = credentialsOf(await loadKubeConfig(config.program.kubeconfig));
const content = gatewayContent({ gitUrl: config.gitUrl, authorization: () => credentials.authorization() });
await runProgram(runnerOperator(config, content));
