/** The environment of runner-operator. */
import { type Environment, type ProgramConfig, readProgramConfig } from "@krate/controller";

export interface RunnerOperatorConfig {
  program: ProgramConfig;
  /** URL of git-gateway without a trailing slash. */
  gitUrl: string;
  runnerImage: string;
  /** Asked of the node of every runner Pod. */
  nodeSelector: Record<string, string>;
}

/** @throws Error that names the variable and what it must be */
export function readConfig(env: Environment): RunnerOperatorConfig {
  const gitUrl = (env["KRATE_GIT_URL"] || "http://127.0.0.1:7081").replace(/\/+$/, "");
  if (!URL.canParse(gitUrl)) throw new Error(`KRATE_GIT_URL is ${JSON.stringify(gitUrl)}: it must be a URL`);
  return Object.freeze({
    program: readProgramConfig(env),
    gitUrl,
    runnerImage: env["KRATE_RUNNER_IMAGE"] || "krate-runner",
    nodeSelector: selectorOf(env["KRATE_RUNNER_NODE_SELECTOR"]),
  });
}

function selectorOf(text: string | undefined): Record<string, string> {
  if (!text) return {};
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [key, value, ...rest] = pair.split("=");
      if (!key || value === undefined || rest.length > 0) {
        throw new Error(`KRATE_RUNNER_NODE_SELECTOR is ${JSON.stringify(text)}: it must be key=value,key=value`);
      }
      return [key, value];
    }),
  );
}
