import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  mapOf,
  nameOf,
  oneOf,
  organizationRef,
  secretKey,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";
import { agentConfigRoles, agentPhase, namesOf, networkPolicy } from "../agent-stack/vocabulary.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      transport: oneOf(["stdio", "sse", "streamable-http"], { description: "How the server is spoken to." }),
      scope: oneOf(["global", "org", "repository", "stack", "dispatch"], {
        description: "How far one running server is shared.",
      }),
      command: Type.Optional(text(1024, "Program, for stdio.", { minLength: 1 })),
      args: Type.Optional(atomicList(text(4096, "An argument."), { maxItems: 64, description: "Its arguments." })),
      url: Type.Optional(
        Type.String({ maxLength: 2048, pattern: "^https?://", description: "Address, for sse and streamable-http." }),
      ),
      envFrom: Type.Optional(
        atomicList(
          Type.Object(
            {
              secretRef: Type.Optional(nameOf("Secret")),
              configMapRef: Type.Optional(nameOf("ConfigMap")),
              prefix: Type.Optional(text(63, "Put before every name.")),
            },
            { description: "One source." },
          ),
          { maxItems: 32, description: "Environment of the program." },
        ),
      ),
      secretRefs: Type.Optional(namesOf("Secret", "Secrets it needs.")),
      configMapRefs: Type.Optional(namesOf("ConfigMap", "ConfigMaps it needs.")),
      headersFrom: Type.Optional(
        mapOf(secretKey("Where the value is."), {
          description: "Headers whose values are in Secrets.",
          maxProperties: 16,
        }),
      ),
      allowedAgentStacks: Type.Optional(namesOf("AgentStack", "AgentStacks that may use it; all when absent.")),
      networkPolicy,
      approvalPolicy: Type.Optional(
        oneOf(["allow", "prompt", "deny"], {
          description: "What happens when a tool of it is used.",
          default: "prompt",
        }),
      ),
      disabled: Type.Optional(Type.Boolean({ default: false, description: "The server is not used." })),
    },
    { description: "Desired server." },
  ),
  {
    rule: "(self.transport == 'stdio') == has(self.command)",
    message: "command must be specified for transport stdio and may not be specified for others",
  },
  {
    rule: "(self.transport != 'stdio') == has(self.url)",
    message: "url must be specified for transports sse and streamable-http and may not be specified for stdio",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: agentPhase,
    health: Type.Optional(
      oneOf(["Unknown", "Ready", "Degraded", "Denied", "Failed", "Disabled"], { description: "Last probe." }),
    ),
    discoveredTools: Type.Optional(
      atomicList(text(253, "A tool."), { maxItems: 500, description: "Tools the server offers." }),
    ),
    lastProbeAt: Type.Optional(time("When it was last asked.")),
  },
  { description: "Observed server." },
);

/** A Model Context Protocol server agents may use (kinds.md §11.1). */
export const AgentMcpServer = defineConfigKind({
  kind: "AgentMcpServer",
  plural: "agentmcpservers",
  shortNames: ["amcp"],
  categories: ["krate-agents"],
  description: "A Model Context Protocol server agents may use.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Transport", type: "string", jsonPath: ".spec.transport" },
    { name: "Scope", type: "string", jsonPath: ".spec.scope" },
    { name: "Health", type: "string", jsonPath: ".status.health" },
    { name: "URL", type: "string", jsonPath: ".spec.url", priority: 1 },
    { name: "Command", type: "string", jsonPath: ".spec.command", priority: 1 },
  ],
  conditions: {
    Ready: {
      description: "The server answers and may be used.",
      reasons: ["Ready", "ProbeFailed", "Disabled", "SecretMissing", "ConfigMissing", "HostDenied", "NotProbed"],
    },
  },
  roles: agentConfigRoles,
});
