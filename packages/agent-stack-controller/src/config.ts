/** The environment of agent-stack-controller. */
import { type Environment, type ProgramConfig, readInteger, readProgramConfig } from "@krate/controller";
import type { PlatformPolicy } from "./assess/world.ts";

export interface AgentControllerConfig extends ProgramConfig {
  policy: PlatformPolicy;
}

const approvalModes = ["prompt", "deny", "policy", "yolo"];

/**
 * | variable | meaning | default |
 * |---|---|---|
 * | KRATE_AGENT_ADAPTERS | adapters this installation has, comma separated | acp |
 * | KRATE_AGENT_ALLOWED_APPROVAL_MODES | approval modes a stack may ask for | prompt,deny,policy |
 * | KRATE_AGENT_ALLOW_FORK_SECRETS | secrets may be given to runs on forks | false |
 * | KRATE_AGENT_MAX_PARALLEL_SUBAGENTS | most tasks of one subagent at one time | 8 |
 *
 * @throws Error that names the variable and what it must be
 */
export function readConfig(env: Environment): AgentControllerConfig {
  const allowedApprovalModes = list(env.KRATE_AGENT_ALLOWED_APPROVAL_MODES, "prompt,deny,policy");
  const unknown = allowedApprovalModes.filter((mode) => !approvalModes.includes(mode));
  if (unknown.length > 0)
    throw new Error(
      `KRATE_AGENT_ALLOWED_APPROVAL_MODES contains "${unknown[0]}": must be of ${approvalModes.join(", ")}`,
    );
  return {
    ...readProgramConfig(env),
    policy: {
      adapters: list(env.KRATE_AGENT_ADAPTERS, "acp"),
      allowedApprovalModes,
      allowForkSecrets: env.KRATE_AGENT_ALLOW_FORK_SECRETS === "true",
      maxParallelSubagents: readInteger(env, "KRATE_AGENT_MAX_PARALLEL_SUBAGENTS", 8, { minimum: 1, maximum: 64 }),
    },
  };
}

function list(text: string | undefined, fallback: string): string[] {
  return (text ?? fallback)
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
