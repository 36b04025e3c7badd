import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, nameOf, oneOf, organizationRef, setOf, Type, text } from "../../../schema.ts";
import { agentConfigRoles, agentPhase, grantSubject, namesOf } from "../agent-stack/vocabulary.ts";

const spec = Type.Object(
  {
    organizationRef,
    subject: grantSubject,
    configMapRef: Type.Object(
      {
        namespace: Type.Optional(text(63, "Namespace of the ConfigMap; must be the organization's.")),
        name: nameOf("ConfigMap", "Name of the ConfigMap."),
        keys: setOf(text(253, "A key.", { minLength: 1 }), {
          minItems: 1,
          maxItems: 64,
          description: "Keys that are granted.",
        }),
      },
      { description: "ConfigMap that is granted." },
    ),
    purpose: oneOf(
      ["tool-config", "skill-config", "mcp-config", "runner-config", "prompt-template", "repository-policy"],
      { description: "What it may be used for." },
    ),
    allowedRepositories: Type.Optional(namesOf("Repository", "Repositories it may be used in; all when absent.")),
    mountPolicy: Type.Optional(
      oneOf(["env", "file", "projected-volume", "api-read"], { description: "How it is handed over.", default: "env" }),
    ),
  },
  { description: "Desired grant." },
);

const status = Type.Object({ ...commonStatus, phase: agentPhase }, { description: "Observed grant." });

/** Lets an agent use keys of a ConfigMap (kinds.md §11.1). */
export const AgentConfigGrant = defineConfigKind({
  kind: "AgentConfigGrant",
  plural: "agentconfiggrants",
  shortNames: ["acg"],
  categories: ["krate-agents"],
  description: "Lets an agent use keys of a ConfigMap for one purpose.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Subject", type: "string", jsonPath: ".spec.subject.name" },
    { name: "ConfigMap", type: "string", jsonPath: ".spec.configMapRef.name" },
    { name: "Purpose", type: "string", jsonPath: ".spec.purpose" },
  ],
  selectableFields: [".spec.subject.name", ".spec.configMapRef.name"],
  conditions: {
    ConfigMapExists: {
      description: "The ConfigMap exists.",
      reasons: ["Exists", "ConfigMapMissing", "NamespaceDenied"],
    },
    KeysExist: { description: "Every key exists.", reasons: ["AllKeysExist", "ConfigKeyMissing"] },
    SubjectAuthorized: { description: "The subject exists.", reasons: ["Authorized", "SubjectMissing"] },
    PolicyAdmitted: { description: "Platform policy allows the grant.", reasons: ["PolicyAdmitted", "PolicyDenied"] },
    Ready: {
      description: "The grant holds.",
      reasons: ["Ready", "ConfigMapMissing", "ConfigKeyMissing", "SubjectMissing", "PolicyDenied"],
    },
  },
  roles: agentConfigRoles,
});
