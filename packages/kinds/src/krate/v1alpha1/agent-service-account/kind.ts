import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, immutable, integer, nameOf, oneOf, organizationRef, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, namesOf } from "../agent-stack/vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    namespace: immutable(
      Type.String({
        minLength: 1,
        maxLength: 63,
        pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description: "Namespace of the ServiceAccount; must be the organization's (C-29).",
      }),
    ),
    serviceAccountName: immutable(nameOf("ServiceAccount", "ServiceAccount that is kept in step.")),
    owner: Type.Optional(
      Type.Object(
        {
          kind: oneOf(["agent-stack", "runner-pool", "repository", "organization"], {
            description: "What the name names.",
          }),
          name: text(253, "Name of the owner.", { minLength: 1 }),
        },
        { description: "What it belongs to." },
      ),
    ),
    allowedRepositories: Type.Optional(namesOf("Repository", "Repositories it may work in; all when absent.")),
    allowedRunnerPools: Type.Optional(namesOf("RunnerPool", "RunnerPools it may run in; all when absent.")),
    tokenAudience: Type.Optional(text(1024, "Audience of its token.")),
    tokenExpirationSeconds: Type.Optional(
      integer("Life of its token, seconds.", { minimum: 600, maximum: 86400, default: 3600 }),
    ),
    imagePullSecretRefs: Type.Optional(namesOf("Secret", "Secrets that pull images.")),
    automountServiceAccountToken: Type.Optional(
      Type.Boolean({ default: false, description: "Pods get its cluster token." }),
    ),
  },
  { description: "Desired identity." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: agentPhase,
    syncedServiceAccount: Type.Optional(
      Type.Object(
        {
          name: text(253, "Name of the ServiceAccount."),
          uid: Type.Optional(text(128, "UID of the ServiceAccount.")),
        },
        { description: "The ServiceAccount that was written." },
      ),
    ),
  },
  { description: "Observed identity." },
);

/** Identity an agent runs as (kinds.md §11.1). */
export const AgentServiceAccount = defineConfigKind({
  kind: "AgentServiceAccount",
  plural: "agentserviceaccounts",
  shortNames: ["asa"],
  categories: ["krate-agents"],
  description: "Identity an agent runs as: a native ServiceAccount kept in step.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Service account", type: "string", jsonPath: ".spec.serviceAccountName" },
    { name: "Owner", type: "string", jsonPath: ".spec.owner.name" },
    { name: "Audience", type: "string", jsonPath: ".spec.tokenAudience", priority: 1 },
  ],
  selectableFields: [".spec.serviceAccountName"],
  conditions: {
    ServiceAccountSynced: {
      description: "The ServiceAccount exists as described.",
      reasons: ["Synced", "NamespaceDenied", "OwnedByOther", "ApplyFailed"],
    },
    TokenProjectionAllowed: {
      description: "Its token may be projected into Pods.",
      reasons: ["Allowed", "AudienceMissing", "AudienceDenied"],
    },
    ImagePullSecretsReady: {
      description: "Its pull secrets exist.",
      reasons: ["Ready", "SecretMissing", "NotConfigured"],
    },
    Ready: { description: "Agents can run as it.", reasons: ["Ready", "NotSynced", "TokenDenied", "SecretMissing"] },
  },
  roles: agentConfigRoles,
});
