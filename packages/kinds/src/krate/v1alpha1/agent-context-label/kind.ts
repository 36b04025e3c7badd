import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, oneOf, organizationRef, setOf, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, namesOf } from "../agent-stack/vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    displayName: Type.Optional(text(256, "Name shown to people.")),
    promptFragment: text(65536, "Text put into the prompt when the label is set.", { minLength: 1 }),
    allowedSources: setOf(
      oneOf(["issue", "pull-request", "comment", "ci", "webhook", "manual"], { description: "A source." }),
      { minItems: 1, maxItems: 6, description: "Where the label may be set." },
    ),
    provenance: Type.Optional(text(1024, "Where the text comes from.")),
    owner: Type.Optional(text(253, "Who keeps it.")),
    reviewer: Type.Optional(text(253, "Who reviewed the current text.")),
    requiresReview: Type.Optional(
      Type.Boolean({ default: true, description: "A changed text is not used before it is reviewed." }),
    ),
    allowedStacks: Type.Optional(namesOf("AgentStack", "AgentStacks it may be used with; all when absent.")),
    allowedRepositories: Type.Optional(namesOf("Repository", "Repositories it may be used in; all when absent.")),
  },
  { description: "Desired label." },
);

const status = Type.Object(
  { ...commonStatus, phase: agentPhase, digest: Type.Optional(text(128, "Digest of the text.")) },
  { description: "Observed label." },
);

/** A reviewed piece of context people attach by name (kinds.md §11.1). */
export const AgentContextLabel = defineConfigKind({
  kind: "AgentContextLabel",
  plural: "agentcontextlabels",
  shortNames: ["acl"],
  categories: ["krate-agents"],
  description: "A reviewed piece of context people attach by name.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Display name", type: "string", jsonPath: ".spec.displayName" },
    { name: "Sources", type: "string", jsonPath: ".spec.allowedSources" },
    { name: "Reviewer", type: "string", jsonPath: ".spec.reviewer" },
  ],
  conditions: {
    Reviewed: {
      description: "Somebody reviewed this text.",
      reasons: ["Reviewed", "NotReviewed", "ReviewNotRequired"],
    },
    PatternSafe: { description: "The text gives no orders beyond its label.", reasons: ["Safe", "SuspiciousPattern"] },
    Ready: { description: "The label can be used.", reasons: ["Ready", "NotReviewed", "SuspiciousPattern"] },
  },
  roles: agentConfigRoles,
});
