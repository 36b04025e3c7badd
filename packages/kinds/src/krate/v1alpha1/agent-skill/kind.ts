import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, oneOf, organizationRef, setOf, Type, text, withRules } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, namesOf, outputContract, taskKindList } from "../agent-stack/vocabulary.ts";

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      format: oneOf(["file", "directory", "package", "inline"], { description: "What sourceRef points at." }),
      sourceRef: text(2048, "Where the skill is: a path as `<repository>:<path>`, a package, or `inline`.", {
        minLength: 1,
      }),
      description: Type.Optional(text(1024, "What it is good for; agents choose by it.")),
      owner: Type.Optional(text(253, "Who keeps it.")),
      version: Type.Optional(text(63, "Version.")),
      promptFragment: Type.Optional(text(65536, "Text put into the prompt.")),
      requiredTools: Type.Optional(namesOf("tool", "Tools it needs.")),
      requiredMcpServers: Type.Optional(namesOf("AgentMcpServer", "MCP servers it needs.")),
      requiredSecretRefs: Type.Optional(namesOf("Secret", "Secrets it needs; it grants none.")),
      requiredConfigRefs: Type.Optional(namesOf("ConfigMap", "ConfigMaps it needs; it grants none.")),
      compatibleAgents: Type.Optional(
        setOf(text(63, "A program.", { minLength: 1 }), {
          maxItems: 16,
          description: "Programs it works with; all when absent.",
        }),
      ),
      taskKinds: Type.Optional(taskKindList("Work it is for; all when absent.")),
      outputContract,
      allowedAgentStacks: Type.Optional(namesOf("AgentStack", "AgentStacks that may use it; all when absent.")),
    },
    { description: "Desired skill." },
  ),
  {
    rule: "self.format != 'inline' || has(self.promptFragment)",
    message: "promptFragment is required for format inline",
    reason: "FieldValueRequired",
  },
);

const status = Type.Object(
  { ...commonStatus, phase: agentPhase, digest: Type.Optional(text(128, "Digest of the content that was validated.")) },
  { description: "Observed skill." },
);

/** Know-how an agent can be given (kinds.md §11.1); it never grants anything. */
export const AgentSkill = defineConfigKind({
  kind: "AgentSkill",
  plural: "agentskills",
  shortNames: ["ask"],
  categories: ["krate-agents"],
  description: "Know-how an agent can be given; it never grants anything.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Format", type: "string", jsonPath: ".spec.format" },
    { name: "Version", type: "string", jsonPath: ".spec.version" },
    { name: "Tasks", type: "string", jsonPath: ".spec.taskKinds" },
    { name: "Source", type: "string", jsonPath: ".spec.sourceRef", priority: 1 },
  ],
  conditions: {
    Validated: {
      description: "The content exists and is well formed.",
      reasons: ["Validated", "SourceMissing", "ContentInvalid"],
    },
    Ready: { description: "The skill can be used.", reasons: ["Ready", "NotValidated", "RequirementMissing"] },
  },
  roles: agentConfigRoles,
});
