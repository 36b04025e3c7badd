import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, immutable, nameOf, oneOf, organizationRef, setOf, Type, text } from "../../../schema.ts";

const spec = Type.Object(
  {
    organizationRef,
    user: nameOf("User"),
    provider: immutable(nameOf("AuthProvider", "AuthProvider the identity comes from.")),
    subject: immutable(
      text(1024, "Subject the provider gives; provider and subject are unique in the organization.", { minLength: 1 }),
    ),
    email: Type.Optional(text(254, "Mail address the provider gives.")),
    workspaceIdentity: Type.Optional(
      Type.Object(
        {
          username: Type.Optional(text(1024, "Kubernetes user name.")),
          groups: Type.Optional(setOf(text(1024, "A group."), { maxItems: 100, description: "Kubernetes groups." })),
          serviceAccount: Type.Optional(nameOf("ServiceAccount", "ServiceAccount that stands for the person.")),
        },
        { description: "Who this person is to Kubernetes." },
      ),
    ),
    repositoryIdentity: Type.Optional(
      Type.Object(
        { account: text(253, "Account name.") },
        { description: "Who this person is to the storage backend." },
      ),
    ),
  },
  { description: "Desired mapping." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Ready", "Conflict"], { description: "One-word summary." })),
  },
  { description: "Observed mapping." },
);

/** Ties a sign-in identity to a User (kinds.md §4.7). */
export const IdentityMapping = defineConfigKind({
  kind: "IdentityMapping",
  plural: "identitymappings",
  shortNames: ["idmap"],
  description: "Ties the subject of a sign-in provider to a User.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "User", type: "string", jsonPath: ".spec.user" },
    { name: "Provider", type: "string", jsonPath: ".spec.provider" },
    { name: "Username", type: "string", jsonPath: ".spec.workspaceIdentity.username" },
    { name: "Subject", type: "string", jsonPath: ".spec.subject", priority: 1 },
  ],
  selectableFields: [".spec.user", ".spec.provider", ".spec.subject"],
  conditions: {
    UserResolved: { description: "The User exists.", reasons: ["Resolved", "UserMissing", "SubjectConflict"] },
    WorkspaceIdentityReady: {
      description: "Kubernetes knows the identity.",
      reasons: ["Ready", "ServiceAccountMissing", "NotConfigured"],
    },
    RepositoryIdentityReady: {
      description: "The storage backend knows the identity.",
      reasons: ["Ready", "NotRequired", "AccountMissing"],
    },
    Ready: { description: "The person can sign in.", reasons: ["Ready", "UserMissing", "SubjectConflict"] },
  },
  roles: {},
});
