import { defineRecordKind } from "../../../define-kind.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  immutable,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  Type,
  time,
  withRules,
} from "../../../schema.ts";

const branch = (description: string) => Type.String({ minLength: 1, maxLength: 255, description });
const user = Type.Object({
  user: Type.String({ description: "Kubernetes user name." }),
  groups: Type.Optional(atomicList(Type.String(), { description: "Groups at that time." })),
});

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      repository: immutable(nameOf("Repository")),
      title: Type.String({ minLength: 1, maxLength: 256, description: "What the change does, one line." }),
      body: Type.Optional(Type.String({ maxLength: 65536, description: "Why and how, Markdown." })),
      head: immutable(branch("Branch with the change.")),
      base: Type.Optional(branch("Branch to merge into; the default branch of the repository when absent.")),
      headRepository: Type.Optional(
        Type.Object(
          {
            organization: Type.String({ description: "Organization of the fork." }),
            name: nameOf("Repository", "The fork."),
          },
          { description: "Repository of the head branch when it is a fork." },
        ),
      ),
      draft: Type.Optional(Type.Boolean({ default: false, description: "Not ready to merge." })),
      merged: Type.Optional(
        Type.Boolean({
          default: false,
          description: "Set true to merge (PR-06); refused with the reason when a rule is not satisfied.",
        }),
      ),
      mergeMethod: Type.Optional(
        oneOf(["merge", "squash", "rebase"], {
          description: "How to merge; the default of the repository when absent.",
        }),
      ),
      expectedHeadSha: Type.Optional(
        Type.String({ pattern: "^[0-9a-f]{40,64}$", description: "Merge only if the head is this commit." }),
      ),
      closed: Type.Optional(Type.Boolean({ default: false, description: "Closed without merging; may be reopened." })),
      labels: Type.Optional(setOf(Type.String({ maxLength: 100 }), { maxItems: 100, description: "Free labels." })),
      assignees: Type.Optional(setOf(Type.String({ maxLength: 253 }), { maxItems: 20, description: "User names." })),
      milestone: Type.Optional(Type.String({ maxLength: 100, description: "Milestone." })),
      reviewers: Type.Optional(
        setOf(Type.String({ maxLength: 253 }), { maxItems: 50, description: "Users asked to review." }),
      ),
      reviewTeams: Type.Optional(setOf(nameOf("Team"), { maxItems: 20, description: "Teams asked to review." })),
    },
    { description: "What is proposed." },
  ),
  {
    rule: "!has(oldSelf.headRepository) || (has(self.headRepository) && self.headRepository == oldSelf.headRepository)",
    message: "headRepository is immutable",
  },
  {
    rule: "!(has(self.merged) && self.merged && has(self.closed) && self.closed)",
    message: "a closed pull request cannot be merged: set closed to false first",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    number: Type.Optional(Type.Integer({ description: "Number in the repository, shared with issues." })),
    phase: Type.Optional(oneOf(["Draft", "Open", "Merging", "Merged", "Closed"], { description: "One-word summary." })),
    author: Type.Optional(user),
    headSha: Type.Optional(Type.String({ description: "Commit of the head branch." })),
    baseSha: Type.Optional(Type.String({ description: "Commit of the base branch." })),
    mergeBaseSha: Type.Optional(Type.String({ description: "Best common ancestor." })),
    mergeState: Type.Optional(
      oneOf(["Unknown", "Clean", "Behind", "Conflicting", "Blocked"], {
        description: "Whether merging would work now.",
      }),
    ),
    changedFiles: Type.Optional(
      atomicList(Type.String(), { maxItems: 300, description: "Changed paths, at most 300." }),
    ),
    changedFilesTotal: Type.Optional(Type.Integer({ description: "Number of changed files." })),
    additions: Type.Optional(Type.Integer({ description: "Lines added." })),
    deletions: Type.Optional(Type.Integer({ description: "Lines removed." })),
    trust: Type.Optional(
      Type.Object(
        {
          tier: oneOf(["trusted", "untrusted"], { description: "Decides where its pipelines may run." }),
          fork: Type.Boolean({ description: "The head is in another repository." }),
          reason: Type.String({ description: "Why." }),
        },
        { description: "Computed by the server from the origin, never sent by a client (design D12)." },
      ),
    ),
    checks: Type.Optional(
      Type.Object(
        {
          required: Type.Optional(atomicList(Type.String(), { description: "Names of required checks." })),
          passed: Type.Integer({ description: "Completed successfully." }),
          failed: Type.Integer({ description: "Completed otherwise." }),
          pending: Type.Integer({ description: "Not completed." }),
        },
        { description: "Checks of the head commit." },
      ),
    ),
    approvals: Type.Optional(
      atomicList(
        Type.Object({
          user: Type.String({ description: "Who approved." }),
          teams: Type.Optional(atomicList(Type.String(), { description: "Teams at that time." })),
          sha: Type.String({ description: "Head commit that was approved." }),
          at: time("When."),
        }),
        {
          maxItems: 100,
          description: "Current approvals only, so that a CEL policy can judge reviewers without look-ups (C-13).",
        },
      ),
    ),
    changesRequested: Type.Optional(
      atomicList(Type.String(), { description: "Users whose latest review requests changes." }),
    ),
    pipelines: Type.Optional(
      atomicList(Type.String(), { maxItems: 20, description: "Newest pipelines of the head, newest first." }),
    ),
    mergeCommitSha: Type.Optional(Type.String({ description: "Commit on the base branch that merged this." })),
    mergedAt: Type.Optional(time("When it was merged.")),
    mergedBy: Type.Optional(Type.String({ description: "Who set merged." })),
    closedAt: Type.Optional(time("When it was closed.")),
    closedBy: Type.Optional(Type.String({ description: "Who closed it." })),
  },
  { description: "Observed state of the proposal." },
);

/** A proposed change (kinds.md §6.1, PR-01…PR-15). */
export const PullRequest = defineRecordKind({
  kind: "PullRequest",
  plural: "pullrequests",
  shortNames: ["pr"],
  description: "A proposed change: a head branch to be merged into a base branch after review and checks.",
  spec,
  status,
  printerColumns: [
    { name: "Number", type: "integer", jsonPath: ".status.number" },
    { name: "Title", type: "string", jsonPath: ".spec.title" },
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Mergeable", type: "string", jsonPath: ".status.mergeState" },
    { name: "Files", type: "integer", jsonPath: ".status.changedFilesTotal" },
    { name: "Author", type: "string", jsonPath: ".status.author.user" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository", priority: 1 },
    { name: "Head", type: "string", jsonPath: ".spec.head", priority: 1 },
    { name: "Base", type: "string", jsonPath: ".spec.base", priority: 1 },
  ],
  selectableFields: [".spec.repository", ".spec.base", ".spec.head", ".status.phase", ".status.author.user"],
  mirroredLabels: {
    [labels.repository]: ".spec.repository",
    [labels.phase]: ".status.phase",
    [labels.number]: ".status.number",
  },
  conditions: {
    HeadResolved: {
      description: "Head and base branch exist.",
      reasons: ["Resolved", "BranchMissing", "RepositoryMissing"],
    },
    Mergeable: {
      description: "Git can merge head into base.",
      reasons: ["Clean", "Conflicts", "Behind", "Draft", "HeadMissing"],
    },
    ReviewsSatisfied: {
      description: "Reviews satisfy every BranchProtection of the base.",
      reasons: ["Satisfied", "NoneRequired", "ApprovalsMissing", "ChangesRequested", "TeamMissing"],
    },
    ChecksPassed: {
      description: "Required checks succeeded on the head.",
      reasons: ["Passed", "Pending", "Failed", "NoneRequired"],
    },
    Merged: {
      description: "The change is on the base branch.",
      reasons: ["MergedByRequest", "NotRequested", "MergeFailed", "HeadMoved", "InProgress"],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
