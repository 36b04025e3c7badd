import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, immutable, nameOf, oneOf, organizationRef, Type, text } from "../../../schema.ts";

const spec = Type.Object(
  {
    organizationRef,
    repository: immutable(nameOf("Repository")),
    subject: immutable(text(253, "Name of the User or Team.", { minLength: 1 })),
    subjectKind: Type.Optional(
      immutable(oneOf(["user", "team"], { description: "What subject names.", default: "user" })),
    ),
    permission: oneOf(["read", "write", "admin"], {
      description: "read: clone and read; write: push as well; admin: bypass protection and change settings.",
    }),
    revoked: Type.Optional(Type.Boolean({ default: false, description: "The grant is void." })),
  },
  { description: "Desired grant." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Synced", "Revoked", "Blocked"], { description: "One-word summary." })),
    roleBinding: Type.Optional(nameOf("RoleBinding", "RoleBinding the grant became.")),
  },
  { description: "Observed grant." },
);

/** Grants a user or team rights on one repository; compiled into native RBAC, not a second ACL (kinds.md §5.3, C-03). */
export const RepositoryPermission = defineConfigKind({
  kind: "RepositoryPermission",
  plural: "repositorypermissions",
  shortNames: ["rperm"],
  description: "Grants a user or a team rights on one repository.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository" },
    { name: "Kind", type: "string", jsonPath: ".spec.subjectKind" },
    { name: "Subject", type: "string", jsonPath: ".spec.subject" },
    { name: "Permission", type: "string", jsonPath: ".spec.permission" },
  ],
  selectableFields: [".spec.repository", ".spec.subject", ".status.phase"],
  conditions: {
    SubjectResolved: { description: "The User or Team exists.", reasons: ["Resolved", "SubjectMissing"] },
    BackendSynced: { description: "The backend knows the grant.", reasons: ["Synced", "NotRequired", "SyncFailed"] },
    RbacProjected: {
      description: "Role and RoleBinding exist.",
      reasons: ["Projected", "ApplyFailed", "EscalationDenied", "Revoked"],
    },
    Ready: { description: "The grant holds.", reasons: ["Ready", "Revoked", "SubjectMissing", "RbacNotProjected"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
