/** Test only: the operator, which kills itself (SIGKILL) at one named step of a merge: `node crashing-operator.ts <step>`. */
import { startProgram } from "@krate/controller";
import { loadKubeConfig } from "@krate/kube";
import { readConfig } from "../config.ts";
import { operatorProgram } from "../program.ts";

const [fatalStep] = process.argv.slice(2);
const config = readConfig(process.env);
const checkpoint = async (step: string) => {
  if (step === fatalStep) process.kill(process.pid, "SIGKILL");
};
const program = operatorProgram(config, await loadKubeConfig(config.program.kubeconfig), { checkpoint });
await startProgram(program, new AbortController().signal);
