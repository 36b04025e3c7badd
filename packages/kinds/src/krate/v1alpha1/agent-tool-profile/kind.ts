import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, mapOf, oneOf, organizationRef, setOf, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, commandList, namesOf, networkPolicy } from "../agent-stack/vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    filesystemPolicy: oneOf(["no-fs", "read-only", "repo-write", "workspace-write"], {
      description: "What tools may do with files.",
    }),
    approvalPolicyByTool: mapOf(
      oneOf(["allow", "prompt", "deny"], { description: "What happens when the tool is used." }),
      { description: "Approval per tool; `*` is the rule for all others.", maxProperties: 200 },
    ),
    nativeTools: Type.Optional(
      setOf(text(253, "A tool.", { minLength: 1 }), {
        maxItems: 200,
        description: "Tools of the program that are on.",
      }),
    ),
    networkPolicy,
    allowedCommands: commandList("Commands that may be run."),
    deniedCommands: commandList("Commands that may never be run; denial wins."),
    requiredRoles: Type.Optional(namesOf("role", "Roles the tools need.")),
    requiredSecretRefs: Type.Optional(namesOf("Secret", "Secrets the tools need.")),
    requiredConfigRefs: Type.Optional(namesOf("ConfigMap", "ConfigMaps the tools need.")),
    auditLevel: Type.Optional(
      oneOf(["metadata", "inputs", "outputs", "full-redacted-transcript"], {
        description: "How much of every use is recorded.",
        default: "metadata",
      }),
    ),
  },
  { description: "Desired profile." },
);

const status = Type.Object({ ...commonStatus, phase: agentPhase }, { description: "Observed profile." });

/** What tools an agent has and what they may do (kinds.md §11.1). */
export const AgentToolProfile = defineConfigKind({
  kind: "AgentToolProfile",
  plural: "agenttoolprofiles",
  shortNames: ["atp"],
  categories: ["krate-agents"],
  description: "What tools an agent has and what they may do.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Files", type: "string", jsonPath: ".spec.filesystemPolicy" },
    { name: "Network", type: "string", jsonPath: ".spec.networkPolicy.default" },
    { name: "Audit", type: "string", jsonPath: ".spec.auditLevel" },
  ],
  conditions: {
    Ready: {
      description: "The profile can be used.",
      reasons: ["Ready", "PatternInvalid", "PolicyDenied", "GrantMissing", "UnsupportedByAdapter"],
    },
  },
  roles: agentConfigRoles,
});
