import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, integer, oneOf, organizationRef, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase } from "../agent-stack/vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    mode: oneOf(["isolated-worktree", "branch-local", "read-only", "none"], {
      description: "What an agent gets to work in.",
    }),
    retentionPolicy: Type.Object(
      {
        keep: oneOf(["Never", "OnFailure", "Always"], { description: "Whether a finished workspace is kept." }),
        maxAgeHours: Type.Optional(integer("How long it is kept, hours.", { minimum: 1, maximum: 8760 })),
      },
      { description: "What happens to a finished workspace." },
    ),
    trustTier: Type.Optional(
      oneOf(["trusted", "untrusted"], {
        description: "Tier of the workspace; never reused across tiers.",
        default: "untrusted",
      }),
    ),
    cleanupPolicy: Type.Optional(
      oneOf(["Delete", "Archive"], { description: "How a workspace ends.", default: "Delete" }),
    ),
    root: Type.Optional(text(1024, "Folder of workspaces; nothing outside is ever cleaned up.")),
  },
  { description: "Desired policy." },
);

const status = Type.Object({ ...commonStatus, phase: agentPhase }, { description: "Observed policy." });

/** What an agent works in, and what becomes of it (kinds.md §11.1). */
export const AgentWorkspacePolicy = defineConfigKind({
  kind: "AgentWorkspacePolicy",
  plural: "agentworkspacepolicies",
  shortNames: ["awp"],
  categories: ["krate-agents"],
  description: "What an agent works in, and what becomes of it.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Mode", type: "string", jsonPath: ".spec.mode" },
    { name: "Keep", type: "string", jsonPath: ".spec.retentionPolicy.keep" },
    { name: "Trust", type: "string", jsonPath: ".spec.trustTier" },
  ],
  conditions: { Ready: { description: "The policy can be used.", reasons: ["Ready", "ConfigurationInvalid"] } },
  roles: agentConfigRoles,
});
