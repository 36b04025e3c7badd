import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  integer,
  listMap,
  nameOf,
  oneOf,
  setOf,
  setOnce,
  Type,
  text,
  withRules,
} from "../../../schema.ts";

const slugPattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

const spec = withRules(
  Type.Object(
    {
      displayName: text(256, "Name shown to people.", { minLength: 1 }),
      slug: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 53,
          pattern: slugPattern,
          description: "Value of spec.organizationRef and of label krate.a5c.ai/org; metadata.name when absent.",
        }),
      ),
      namespaceName: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 63,
          pattern: slugPattern,
          description: "Namespace of everything the organization owns; krate-org-<slug> when absent.",
        }),
      ),
      description: Type.Optional(text(1024, "What the organization does, one sentence.")),
      defaultVisibility: Type.Optional(
        oneOf(["private", "internal", "public"], {
          description: "Visibility of repositories that name none.",
          default: "internal",
        }),
      ),
      owners: Type.Optional(
        setOf(text(1024, "User name, or group name after `group:`.", { minLength: 1 }), {
          maxItems: 100,
          description: "Users and groups that get the organization's admin role.",
        }),
      ),
      teams: Type.Optional(
        listMap(
          Type.Object(
            {
              name: nameOf("Team", "Name of the Team."),
              displayName: Type.Optional(text(256, "Name shown to people.")),
              members: Type.Optional(setOf(text(253, "User name."), { maxItems: 500, description: "First members." })),
            },
            { description: "One team." },
          ),
          ["name"],
          { maxItems: 100, description: "Teams created with the organization." },
        ),
      ),
      memoryRepositoryRef: Type.Optional(nameOf("AgentMemoryRepository")),
      policyProfileRef: Type.Optional(nameOf("PolicyProfile")),
    },
    { description: "Desired organization." },
  ),
  ...setOnce("slug", "namespaceName"),
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(oneOf(["Pending", "Ready", "Degraded", "Terminating"], { description: "One-word summary." })),
    namespaceName: Type.Optional(text(63, "Namespace of the organization.")),
    namespaceReady: Type.Optional(
      Type.Boolean({ description: "The namespace exists and belongs to the organization." }),
    ),
    repositoryCount: Type.Optional(integer("Repositories.")),
    memberCount: Type.Optional(integer("Users.")),
    problems: Type.Optional(atomicList(text(1024, "A problem."), { maxItems: 20, description: "What is wrong." })),
  },
  { description: "Observed organization." },
);

/** Top-level owner of repositories and people (kinds.md §4.1); lives in the platform namespace. */
export const Organization = defineConfigKind({
  kind: "Organization",
  plural: "organizations",
  shortNames: ["org"],
  description: "Owner of repositories, people and policies, with a namespace of its own.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Display name", type: "string", jsonPath: ".spec.displayName" },
    { name: "Namespace", type: "string", jsonPath: ".status.namespaceName" },
    { name: "Repositories", type: "integer", jsonPath: ".status.repositoryCount" },
    { name: "Members", type: "integer", jsonPath: ".status.memberCount" },
  ],
  selectableFields: [".spec.slug", ".status.phase"],
  conditions: {
    NamespaceReady: {
      description: "The namespace exists and is labelled with the organization.",
      reasons: ["NamespaceCreated", "NamespaceAdopted", "NamespaceConflict"],
    },
    OrgRbacReady: { description: "Roles of owners and members exist.", reasons: ["RolesApplied", "EscalationDenied"] },
    DefaultPoliciesReady: {
      description: "Default policies exist.",
      reasons: ["Applied", "ApplyFailed", "NoneConfigured"],
    },
    MemoryRepositoryReady: {
      description: "The memory repository exists.",
      reasons: ["Ready", "Missing", "NotConfigured"],
    },
    Ready: { description: "The organization can be used.", reasons: ["Ready", "NamespaceNotReady", "RbacNotReady"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch"],
  },
});
