/** What the program consists of. */
import type { Program } from "@krate/controller";
import { ConfigMap, Secret } from "@krate/kinds";
import type { AgentControllerConfig } from "./config.ts";
import { mcpServers } from "./controllers/mcp-servers.ts";
import { parts } from "./controllers/parts.ts";
import { roleBindings } from "./controllers/role-bindings.ts";
import { serviceAccounts } from "./controllers/service-accounts.ts";
import { stacks } from "./controllers/stacks.ts";
import { withoutValues } from "./controllers/world.ts";

export function agentStackController(config: AgentControllerConfig): Program {
  return {
    name: "agent-stack-controller",
    config,
    setup({ informer }) {
      informer(Secret, {}, { transform: withoutValues });
      informer(ConfigMap, {}, { transform: withoutValues });
      return {
        controllers: [stacks(config.policy), ...parts(config.policy), serviceAccounts, roleBindings, mcpServers],
      };
    },
  };
}
