import { defineConfigKind } from "../../../define-kind.ts";
import { commonStatus, integer, listMap, nameOf, oneOf, organizationRef, setOf, Type, text } from "../../../schema.ts";

const members = (description: string) =>
  setOf(text(253, "User name.", { minLength: 1 }), { maxItems: 1000, description });

const spec = Type.Object(
  {
    organizationRef,
    displayName: text(256, "Name shown to people.", { minLength: 1 }),
    members: Type.Optional(members("Who is in the team.")),
    maintainers: Type.Optional(members("Who may change the members; they are members too.")),
    repositoryGrants: Type.Optional(
      listMap(
        Type.Object(
          {
            repository: nameOf("Repository"),
            permission: oneOf(["read", "write", "admin"], { description: "What members may do." }),
          },
          { description: "One grant; becomes a RepositoryPermission owned by the team." },
        ),
        ["repository"],
        { maxItems: 1000, description: "Repositories the team may use." },
      ),
    ),
  },
  { description: "Desired team." },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Ready", "Degraded"], { description: "One-word summary." })),
    memberCount: Type.Optional(integer("Members, maintainers included.")),
    groupName: Type.Optional(text(253, "Kubernetes group of the team: krate:org:<slug>:team:<name>.")),
  },
  { description: "Observed team." },
);

/** People who review and own together (kinds.md §4.5). */
export const Team = defineConfigKind({
  kind: "Team",
  plural: "teams",
  description: "People who review and own together.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Display name", type: "string", jsonPath: ".spec.displayName" },
    { name: "Members", type: "integer", jsonPath: ".status.memberCount" },
    { name: "Group", type: "string", jsonPath: ".status.groupName", priority: 1 },
  ],
  conditions: {
    MembersResolved: { description: "Every member is a User.", reasons: ["Resolved", "UnknownMember"] },
    GrantsSynced: { description: "Grants exist as RepositoryPermissions.", reasons: ["Synced", "ApplyFailed"] },
    Ready: { description: "The team can be used.", reasons: ["Ready", "UnknownMember", "GrantsNotSynced"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
});
