import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  integer,
  labelSelector,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  subject,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const refPattern = text(255, "A full ref name or a glob: `*` matches within one path segment, `**` across segments.", {
  minLength: 1,
});

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      refs: atomicList(
        withRules(refPattern, {
          rule: "self.startsWith('refs/')",
          message: "must be a full ref name or glob such as refs/heads/main or refs/heads/release/*",
        }),
        { minItems: 1, maxItems: 64, description: "Refs that are protected." },
      ),
      repository: Type.Optional(
        nameOf("Repository", "The only repository protected; all repositories of the organization when absent."),
      ),
      repositorySelector: Type.Optional(labelSelector("Repositories protected, by their labels.")),
      requirePullRequest: Type.Optional(
        Type.Boolean({
          default: true,
          description: "The refs move only by merging a pull request; a direct push is refused.",
        }),
      ),
      requiredApprovals: Type.Optional(
        integer("Number of current approvals by others than the author that a merge needs.", {
          maximum: 20,
          default: 0,
        }),
      ),
      requiredTeams: Type.Optional(
        setOf(nameOf("Team"), { maxItems: 20, description: "Teams that must each have approved through a member." }),
      ),
      requireCodeOwners: Type.Optional(
        Type.Boolean({
          default: false,
          description: "An owner of every changed path (CODEOWNERS) must have approved.",
        }),
      ),
      requiredChecks: Type.Optional(
        setOf(text(253, "Name of a CheckRun.", { minLength: 1 }), {
          maxItems: 50,
          description: "CheckRuns that must have succeeded on the head commit.",
        }),
      ),
      dismissStaleApprovals: Type.Optional(
        Type.Boolean({ default: true, description: "Approvals of an older head commit do not count." }),
      ),
      allowForcePush: Type.Optional(
        Type.Boolean({ default: false, description: "Updates that are not fast-forward are allowed." }),
      ),
      allowDeletion: Type.Optional(Type.Boolean({ default: false, description: "The refs may be deleted." })),
      requireSignedCommits: Type.Optional(
        Type.Boolean({ default: false, description: "Every new commit must carry a valid signature." }),
      ),
      requireLinearHistory: Type.Optional(Type.Boolean({ default: false, description: "Merge commits are refused." })),
      bypass: Type.Optional(
        atomicList(subject("Somebody who may bypass."), {
          maxItems: 50,
          description:
            "Who may bypass this protection, beside holders of `update repositories/admin`; every use is audited.",
        }),
      ),
    },
    { description: "What is protected and how." },
  ),
  {
    rule: "!(has(self.repository) && has(self.repositorySelector))",
    message: "repository and repositorySelector may not be specified together",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(
      oneOf(["Pending", "Active", "Stale", "Failed"], {
        description: "One-word summary; Stale: an older valid version is enforced because this one does not compile.",
      }),
    ),
    compiledHash: Type.Optional(text(128, "Hash of the policy bundle that contains this protection.")),
    appliedTo: Type.Optional(
      Type.Object(
        {
          repositories: integer("Repositories this protection applies to."),
          refs: Type.Optional(integer("Ref patterns compiled.")),
        },
        { description: "Reach of this protection." },
      ),
    ),
    lastRejection: Type.Optional(
      Type.Object(
        {
          at: time("When."),
          repository: text(253, "Repository that was pushed to."),
          ref: text(255, "Ref that was refused."),
          user: text(1024, "Who pushed."),
          rule: text(253, "Rule that refused."),
        },
        { description: "Newest refused update." },
      ),
    ),
  },
  { description: "Observed protection." },
);

/** Stops direct writes to refs and sets the conditions of a merge (kinds.md §5.4, REF-02, REF-03). */
export const BranchProtection = defineConfigKind({
  kind: "BranchProtection",
  plural: "branchprotections",
  shortNames: ["bp"],
  description: "Protects refs: who may move them, and what a merge into them needs.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository", description: "Empty: all repositories." },
    { name: "Refs", type: "string", jsonPath: ".spec.refs" },
    { name: "Approvals", type: "integer", jsonPath: ".spec.requiredApprovals" },
    { name: "Checks", type: "string", jsonPath: ".spec.requiredChecks", priority: 1 },
    { name: "PR only", type: "boolean", jsonPath: ".spec.requirePullRequest", priority: 1 },
  ],
  selectableFields: [".spec.repository"],
  conditions: {
    Compiled: {
      description: "The compiled policy bundle contains this version.",
      reasons: ["CompileSucceeded", "InvalidPattern", "BundleTooLarge", "RepositoryMissing"],
    },
    BackendSynced: {
      description: "The storage backend enforces it as a second line, where it can.",
      reasons: ["Synced", "NotSupported", "BackendUnavailable"],
    },
    Ready: { description: "The protection is enforced.", reasons: ["Active", "CompileFailed", "Pending"] },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
