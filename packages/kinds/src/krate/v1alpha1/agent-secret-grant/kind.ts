import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  integer,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  Type,
  text,
} from "../../../schema.ts";
import { agentConfigRoles, agentPhase, grantSubject, namesOf } from "../agent-stack/vocabulary.ts";

const refs = (description: string) =>
  atomicList(text(255, "A full ref name or glob.", { minLength: 1 }), { maxItems: 64, description });

const spec = Type.Object(
  {
    organizationRef,
    subject: grantSubject,
    secretRef: Type.Object(
      {
        namespace: Type.Optional(text(63, "Namespace of the Secret; must be the organization's (C-29).")),
        name: nameOf("Secret", "Name of the Secret."),
        keys: setOf(text(253, "A key.", { minLength: 1 }), {
          minItems: 1,
          maxItems: 64,
          description: "Keys that are granted.",
        }),
      },
      { description: "Secret that is granted; never its value." },
    ),
    purpose: oneOf(
      [
        "model-provider-token",
        "git-credential",
        "mcp-server",
        "tool",
        "skill",
        "webhook-signing",
        "image-pull",
        "cache",
        "deployment",
      ],
      { description: "What it may be used for." },
    ),
    allowedRepositories: Type.Optional(namesOf("Repository", "Repositories it may be used in; all when absent.")),
    allowedRefs: Type.Optional(
      Type.Object(
        {
          include: Type.Optional(refs("Refs it may be used on.")),
          exclude: Type.Optional(refs("Refs it may not be used on.")),
        },
        { description: "Refs it may be used on." },
      ),
    ),
    allowedTriggerSources: Type.Optional(
      setOf(text(63, "A source.", { minLength: 1 }), { maxItems: 16, description: "What may have started the run." }),
    ),
    mountPolicy: Type.Optional(
      oneOf(["env", "file", "projected-volume", "never-mount-pass-by-reference"], {
        description: "How it is handed over.",
        default: "env",
      }),
    ),
    requiredApproval: Type.Optional(
      oneOf(["never", "on-untrusted-ref", "always"], {
        description: "When a person must approve its use.",
        default: "on-untrusted-ref",
      }),
    ),
    rotationPolicy: Type.Optional(
      Type.Object(
        { maxAgeDays: integer("Oldest Secret that is accepted, days.", { minimum: 1, maximum: 3650 }) },
        { description: "How old the Secret may be." },
      ),
    ),
  },
  { description: "Desired grant." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: agentPhase,
    metadataVersion: Type.Optional(text(253, "resourceVersion of the Secret last looked at.")),
  },
  { description: "Observed grant." },
);

/** Lets an agent use keys of a Secret (kinds.md §11.1). */
export const AgentSecretGrant = defineConfigKind({
  kind: "AgentSecretGrant",
  plural: "agentsecretgrants",
  shortNames: ["asg"],
  categories: ["krate-agents"],
  description: "Lets an agent use keys of a Secret for one purpose.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Subject", type: "string", jsonPath: ".spec.subject.name" },
    { name: "Secret", type: "string", jsonPath: ".spec.secretRef.name" },
    { name: "Purpose", type: "string", jsonPath: ".spec.purpose" },
    { name: "Approval", type: "string", jsonPath: ".spec.requiredApproval", priority: 1 },
  ],
  selectableFields: [".spec.subject.name", ".spec.secretRef.name"],
  conditions: {
    SecretExists: {
      description: "The Secret exists.",
      reasons: ["Exists", "SecretMissing", "TooOld", "NamespaceDenied"],
    },
    KeysExist: { description: "Every key exists.", reasons: ["AllKeysExist", "SecretKeyMissing"] },
    SubjectAuthorized: { description: "The subject exists.", reasons: ["Authorized", "SubjectMissing"] },
    PolicyAdmitted: { description: "Platform policy allows the grant.", reasons: ["PolicyAdmitted", "PolicyDenied"] },
    Ready: {
      description: "The grant holds.",
      reasons: ["Ready", "SecretMissing", "SecretKeyMissing", "SubjectMissing", "PolicyDenied"],
    },
  },
  roles: agentConfigRoles,
});
