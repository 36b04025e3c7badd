import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, immutable, nameOf, oneOf, organizationRef, setOf, Type, text, time } from "../../../schema.ts";

const spec = Type.Object(
  {
    organizationRef,
    email: immutable(
      Type.String({
        minLength: 3,
        maxLength: 254,
        pattern: "^[^@\\s]+@[^@\\s]+$",
        description: "Mail address of the person invited.",
      }),
    ),
    role: immutable(oneOf(["member", "admin"], { description: "Role after acceptance." })),
    teams: Type.Optional(setOf(nameOf("Team"), { maxItems: 100, description: "Teams joined on acceptance." })),
    invitedBy: Type.Optional(text(1024, "Who invited.")),
    expiresAt: Type.Optional(time("Last moment of acceptance; seven days after creation when absent.")),
    revoked: Type.Optional(Type.Boolean({ default: false, description: "The invitation is void." })),
  },
  { description: "Desired invitation." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Accepted", "Expired", "Revoked"], { description: "One-word summary." })),
    acceptedBy: Type.Optional(text(1024, "Who accepted.")),
    acceptedAt: Type.Optional(time("When it was accepted.")),
    expiresAt: Type.Optional(time("Last moment of acceptance.")),
    tokenDigest: Type.Optional(text(128, "Hash of the acceptance token, which is kept in a Secret.")),
  },
  { description: "Observed invitation." },
);

/** Invitation of a person into an organization (kinds.md §4.6). */
export const Invite = defineConfigKind({
  kind: "Invite",
  plural: "invites",
  description: "Invitation of a person into the organization.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Email", type: "string", jsonPath: ".spec.email" },
    { name: "Role", type: "string", jsonPath: ".spec.role" },
    { name: "Expires", type: "string", jsonPath: ".status.expiresAt" },
    { name: "Invited by", type: "string", jsonPath: ".spec.invitedBy", priority: 1 },
  ],
  selectableFields: [".spec.email", ".status.phase"],
  conditions: {
    Ready: { description: "The invitation can be accepted.", reasons: ["Open", "Accepted", "Expired", "Revoked"] },
  },
  roles: { repoAdmins: ["get", "list", "watch"] },
});
