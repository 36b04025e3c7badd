export { type AgentControllerConfig, readConfig } from "./config.ts";
export { agentStackController } from "./program.ts";
