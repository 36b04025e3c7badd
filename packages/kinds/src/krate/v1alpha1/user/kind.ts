import { defineConfigKind } from "../../../define-kind.ts";
import { atomicList, commonStatus, nameOf, oneOf, organizationRef, setOf, Type, text, time } from "../../../schema.ts";

const spec = Type.Object(
  {
    organizationRef,
    displayName: text(256, "Name shown to people.", { minLength: 1 }),
    email: Type.String({
      minLength: 3,
      maxLength: 254,
      pattern: "^[^@\\s]+@[^@\\s]+$",
      description: "Mail address; commits with it are shown as this user's.",
    }),
    username: Type.Optional(
      text(253, "Name in the organization, unique there; metadata.name when absent.", { minLength: 1 }),
    ),
    teams: Type.Optional(
      setOf(nameOf("Team"), { maxItems: 100, description: "Teams, for convenience: Team.spec.members decides." }),
    ),
    admin: Type.Optional(
      Type.Boolean({ default: false, description: "Gets the organization's admin role, as a RoleBinding." }),
    ),
    disabled: Type.Optional(
      Type.Boolean({ default: false, description: "Sign-in, keys and grants are switched off." }),
    ),
  },
  { description: "Desired user." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Active", "Disabled"], { description: "One-word summary." })),
    linkedIdentities: Type.Optional(
      atomicList(nameOf("IdentityMapping"), { maxItems: 50, description: "Sign-in identities of this person." }),
    ),
    repositoryAccount: Type.Optional(text(253, "Account in the storage backend, when it has accounts.")),
    lastSignInAt: Type.Optional(time("Newest sign-in.")),
  },
  { description: "Observed user." },
);

/** One person in one organization (kinds.md §4.4, C-36). */
export const User = defineConfigKind({
  kind: "User",
  plural: "users",
  description: "One person in one organization.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Display name", type: "string", jsonPath: ".spec.displayName" },
    { name: "Admin", type: "boolean", jsonPath: ".spec.admin" },
    { name: "Email", type: "string", jsonPath: ".spec.email", priority: 1 },
    { name: "Last sign-in", type: "date", jsonPath: ".status.lastSignInAt", priority: 1 },
  ],
  selectableFields: [".spec.username", ".spec.email", ".status.phase"],
  conditions: {
    IdentityMapped: { description: "A sign-in identity is linked.", reasons: ["Mapped", "NoMapping"] },
    RepositoryAccountReady: {
      description: "The storage backend knows the user.",
      reasons: ["Ready", "NotRequired", "CreateFailed"],
    },
    RbacProjected: { description: "Role bindings exist.", reasons: ["Projected", "ApplyFailed", "Disabled"] },
    Ready: { description: "The person can work.", reasons: ["Ready", "Disabled", "NoMapping", "RbacNotProjected"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
});
