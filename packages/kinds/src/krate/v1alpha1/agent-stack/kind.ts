import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, mapOf, nameOf, oneOf, organizationRef, setOf, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, commandList, namesOf } from "./vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    displayName: Type.Optional(text(256, "Name shown to people.")),
    baseAgent: oneOf(["claude-code", "codex", "gemini", "opencode", "babysitter", "agent-mux-remote", "external"], {
      description: "Agent program.",
    }),
    adapter: text(253, "How the program is driven: acp, or the id of a gateway route.", { minLength: 1 }),
    provider: Type.Optional(text(253, "Model provider.")),
    model: Type.Optional(text(253, "Model.")),
    runtimeIdentity: Type.Object(
      { serviceAccountRef: nameOf("AgentServiceAccount") },
      { description: "Who the agent is to Kubernetes." },
    ),
    prompt: Type.Optional(
      Type.Object(
        {
          system: Type.Optional(text(65536, "System prompt.")),
          developer: Type.Optional(text(65536, "Developer prompt.")),
        },
        { description: "Prompts every run starts with." },
      ),
    ),
    agentsDocRef: Type.Optional(
      Type.Object(
        {
          source: Type.Optional(oneOf(["repository"], { description: "Where the file is.", default: "repository" })),
          path: Type.Optional(text(1024, "Path of the file.", { default: "AGENTS.md" })),
        },
        { description: "File with instructions for agents." },
      ),
    ),
    approvalMode: Type.Optional(
      oneOf(["prompt", "deny", "yolo", "policy"], {
        description: "What happens when a tool needs approval; yolo needs a platform policy that allows it.",
        default: "prompt",
      }),
    ),
    toolProfileRef: Type.Optional(nameOf("AgentToolProfile")),
    mcpServerRefs: Type.Optional(namesOf("AgentMcpServer", "MCP servers attached.")),
    skillRefs: Type.Optional(namesOf("AgentSkill", "Skills attached.")),
    subagentRefs: Type.Optional(namesOf("AgentSubagent", "Subagents it may start.")),
    contextLabelRefs: Type.Optional(namesOf("AgentContextLabel", "Context labels it may be given.")),
    workspacePolicyRef: Type.Optional(nameOf("AgentWorkspacePolicy")),
    runnerPool: Type.Optional(nameOf("RunnerPool", "RunnerPool it runs in; the untrusted pool when absent.")),
    allowedCommands: commandList("Commands it may run."),
    deniedCommands: commandList("Commands it may never run; denial wins."),
    permissionRefs: Type.Optional(
      Type.Object(
        {
          roleBindings: Type.Optional(namesOf("AgentRoleBinding", "Roles.")),
          secretGrants: Type.Optional(namesOf("AgentSecretGrant", "Secrets.")),
          configGrants: Type.Optional(namesOf("AgentConfigGrant", "Configuration.")),
        },
        { description: "What it is granted." },
      ),
    ),
    secretPolicy: Type.Optional(
      Type.Object(
        {
          allowOnForks: Type.Optional(
            Type.Boolean({ default: false, description: "Secrets are given for forks too." }),
          ),
          allowedSecretRefs: Type.Optional(namesOf("Secret", "Secrets it may be given.")),
        },
        { description: "When secrets are given." },
      ),
    ),
    writeBackPolicy: Type.Optional(
      Type.Object(
        {
          requireApproval: Type.Optional(
            Type.Boolean({ default: true, description: "A person approves everything it writes." }),
          ),
          allowedTargets: Type.Optional(
            setOf(
              oneOf(
                [
                  "pull-request-comment",
                  "pull-request-review",
                  "issue-comment",
                  "check-rerun",
                  "branch-push",
                  "pull-request",
                ],
                { description: "A target." },
              ),
              { maxItems: 6, description: "What it may write." },
            ),
          ),
        },
        { description: "What it may write back." },
      ),
    ),
  },
  { description: "Desired agent." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: agentPhase,
    capabilities: Type.Optional(
      Type.Object(
        {
          adapterVersion: Type.Optional(text(253, "Version the adapter reports.")),
          models: Type.Optional(setOf(text(253, "A model."), { maxItems: 100, description: "Models it can use." })),
          features: Type.Optional(
            mapOf(Type.Boolean({ description: "Whether it can." }), {
              description: "Abilities by name: mcp, subagents, resume…",
              maxProperties: 64,
            }),
          ),
        },
        { description: "What the adapter reports it can do." },
      ),
    ),
  },
  { description: "Observed agent." },
);

/** One agent, put together from a program, prompts, tools and permissions (kinds.md §11.1). */
export const AgentStack = defineConfigKind({
  kind: "AgentStack",
  plural: "agentstacks",
  shortNames: ["as"],
  categories: ["krate-agents"],
  description: "One agent, put together from a program, prompts, tools and permissions.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Agent", type: "string", jsonPath: ".spec.baseAgent" },
    { name: "Model", type: "string", jsonPath: ".spec.model" },
    { name: "Approval", type: "string", jsonPath: ".spec.approvalMode" },
    { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
    { name: "Pool", type: "string", jsonPath: ".spec.runnerPool", priority: 1 },
    { name: "Identity", type: "string", jsonPath: ".spec.runtimeIdentity.serviceAccountRef", priority: 1 },
  ],
  selectableFields: [".spec.baseAgent", ".status.phase"],
  conditions: {
    CapabilitiesResolved: {
      description: "The adapter is there and says what it can do.",
      reasons: ["AdapterManifestLoaded", "AdapterUnavailable", "CapabilitySchemaStale"],
    },
    RuntimeIdentityReady: {
      description: "The AgentServiceAccount is ready.",
      reasons: [
        "ServiceAccountReady",
        "ServiceAccountMissing",
        "ServiceAccountNotReady",
        "ServiceAccountCannotUseRunner",
      ],
    },
    RolesAdmitted: {
      description: "Every role it needs is bound.",
      reasons: ["RequiredRolesAllowed", "RoleBindingMissing", "RoleBindingDrifted"],
    },
    SecretsAdmitted: {
      description: "Every secret it needs is granted and exists.",
      reasons: ["RequiredSecretsGranted", "MissingSecretGrant", "SecretKeyMissing"],
    },
    ConfigAdmitted: {
      description: "Every ConfigMap it needs is granted and exists.",
      reasons: ["RequiredConfigGranted", "MissingConfigGrant", "ConfigKeyMissing"],
    },
    ToolsAdmitted: {
      description: "The tool profile exists and is allowed.",
      reasons: ["ToolProfileReady", "ToolProfileMissing", "ForbiddenFilesystemScope", "NotConfigured"],
    },
    McpHealthy: {
      description: "Every required MCP server answers.",
      reasons: ["AllRequiredServersReady", "ServerMissing", "ProbeFailed", "NotConfigured"],
    },
    SkillsValidated: {
      description: "Every skill exists and is valid.",
      reasons: ["AllSkillsValid", "SkillMissing", "SkillInvalid", "NotConfigured"],
    },
    SubagentsValid: {
      description: "Every subagent exists and asks for no more than this agent has.",
      reasons: ["AllSubagentsValid", "SubagentMissing", "ParallelismTooHigh", "ToolsExceedParent", "NotConfigured"],
    },
    ContextLabelsValid: {
      description: "Every context label exists and is reviewed.",
      reasons: ["AllLabelsValid", "LabelDeleted", "LabelNotReviewed", "NotConfigured"],
    },
    PolicyAdmitted: {
      description: "Platform policy allows the approval mode and the write-back targets.",
      reasons: ["PolicyAdmitted", "ForbiddenApprovalMode", "PermissionRequirementsBlocked"],
    },
    Ready: {
      description: "Every condition above holds; Unknown blocks.",
      reasons: ["Ready", "PermissionRequirementsBlocked", "ConfigurationInvalid", "Pending"],
    },
  },
  roles: agentConfigRoles,
});
