import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, integer, oneOf, organizationRef, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, namesOf, outputContract, taskKindList } from "../agent-stack/vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    description: Type.Optional(text(1024, "What it is good at; the parent chooses by it.")),
    rolePrompt: text(65536, "Prompt of the role.", { minLength: 1 }),
    taskKinds: taskKindList("Work it may be given."),
    modelOverride: Type.Optional(text(253, "Model, when not the parent's.")),
    toolRefs: Type.Optional(namesOf("tool", "Tools; a subset of the parent's unless approved.")),
    mcpServerRefs: Type.Optional(namesOf("AgentMcpServer", "MCP servers; a subset of the parent's.")),
    skillRefs: Type.Optional(namesOf("AgentSkill", "Skills.")),
    runtimeIdentityOverride: Type.Optional(text(253, "AgentServiceAccount, when not the parent's.")),
    workspaceScope: Type.Optional(
      oneOf(["no-workspace", "read-only", "branch-local", "isolated-worktree"], {
        description: "What it sees of the workspace.",
        default: "read-only",
      }),
    ),
    maxParallelTasks: Type.Optional(integer("Most tasks at one time.", { minimum: 1, maximum: 64, default: 1 })),
    contextPolicy: Type.Optional(
      oneOf(["summary-only", "selected-sources", "full-redacted", "artifact-only", "no-context"], {
        description: "What it is told of the parent's context.",
        default: "summary-only",
      }),
    ),
    outputContract,
    approvalPolicy: Type.Optional(
      oneOf(["inherit", "prompt", "deny"], { description: "Approvals it needs.", default: "inherit" }),
    ),
  },
  { description: "Desired subagent." },
);

const status = Type.Object({ ...commonStatus, phase: agentPhase }, { description: "Observed subagent." });

/** A role an agent may hand work to (kinds.md §11.1). */
export const AgentSubagent = defineConfigKind({
  kind: "AgentSubagent",
  plural: "agentsubagents",
  shortNames: ["asub"],
  categories: ["krate-agents"],
  description: "A role an agent may hand work to.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Tasks", type: "string", jsonPath: ".spec.taskKinds" },
    { name: "Workspace", type: "string", jsonPath: ".spec.workspaceScope" },
    { name: "Parallel", type: "integer", jsonPath: ".spec.maxParallelTasks" },
  ],
  conditions: {
    Ready: {
      description: "The subagent can be used.",
      reasons: ["Ready", "SkillMissing", "McpServerMissing", "ServiceAccountMissing", "ConfigurationInvalid"],
    },
  },
  roles: agentConfigRoles,
});
