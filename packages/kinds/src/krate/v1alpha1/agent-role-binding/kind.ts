import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  Type,
  text,
  withRules,
} from "../../../schema.ts";
import { agentConfigRoles, agentPhase, grantSubject } from "../agent-stack/vocabulary.ts";

const words = (description: string) => setOf(text(253, "A word.", { minLength: 1 }), { maxItems: 32, description });

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      subject: grantSubject,
      roleRef: Type.Object(
        {
          kind: oneOf(["Role", "ClusterRole"], { description: "What the name names." }),
          name: text(253, "Name of the role.", { minLength: 1 }),
        },
        { description: "Role that is bound." },
      ),
      scope: oneOf(["namespace", "repository", "organization", "cluster"], {
        description: "How far the role reaches; cluster is off unless the platform allows it.",
      }),
      repository: Type.Optional(nameOf("Repository", "Repository of scope repository.")),
      resourceRules: Type.Optional(
        atomicList(
          Type.Object(
            {
              apiGroups: words("API groups."),
              resources: words("Resources."),
              verbs: words("Verbs."),
            },
            { description: "One rule." },
          ),
          { maxItems: 64, description: "What the role is expected to allow; more is drift." },
        ),
      ),
      nativeRoleBindingName: Type.Optional(nameOf("RoleBinding", "Name of the RoleBinding that is written.")),
      escalationPolicy: Type.Optional(
        oneOf(["deny", "require-admin-approval", "allow-if-owner"], {
          description: "What happens when the role allows more than the person who asks.",
          default: "deny",
        }),
      ),
    },
    { description: "Desired binding." },
  ),
  {
    rule: "(self.scope == 'repository') == has(self.repository)",
    message: "repository must be specified for scope repository and may not be specified for others",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: agentPhase,
    syncedRoleRefs: Type.Optional(
      atomicList(text(320, "Kind and name."), { maxItems: 32, description: "Bindings that were written." }),
    ),
  },
  { description: "Observed binding." },
);

/** Gives an agent a native role (kinds.md §11.1). */
export const AgentRoleBinding = defineConfigKind({
  kind: "AgentRoleBinding",
  plural: "agentrolebindings",
  shortNames: ["arb"],
  categories: ["krate-agents"],
  description: "Gives an agent a native role.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Subject", type: "string", jsonPath: ".spec.subject.name" },
    { name: "Role", type: "string", jsonPath: ".spec.roleRef.name" },
    { name: "Scope", type: "string", jsonPath: ".spec.scope" },
  ],
  selectableFields: [".spec.subject.name", ".spec.roleRef.name"],
  conditions: {
    RoleResolved: { description: "The role exists.", reasons: ["Resolved", "RoleMissing"] },
    SubjectsResolved: { description: "The subject exists.", reasons: ["Resolved", "SubjectMissing"] },
    NativeBindingSynced: {
      description: "The native binding exists as described.",
      reasons: ["Synced", "NativeBindingDrifted", "ApplyFailed"],
    },
    EscalationAdmitted: {
      description: "The role allows no more than it may.",
      reasons: ["Admitted", "EscalationDenied", "ApprovalRequired"],
    },
    Ready: { description: "The role holds.", reasons: ["Ready", "RoleMissing", "SubjectMissing", "EscalationDenied"] },
  },
  roles: agentConfigRoles,
});
