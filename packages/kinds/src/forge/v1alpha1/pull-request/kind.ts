import { defineRecordKind } from "../../../define-kind.ts";
import { externalEnvelope } from "../../../external.ts";
import { queuePriorities } from "../../../krate/v1alpha1/merge-queue/kind.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  identity,
  immutable,
  integer,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  sha,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

const branch = (description: string) => Type.String({ minLength: 1, maxLength: 255, description });

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
            organization: text(63, "Organization of the fork."),
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
      queued: Type.Optional(
        Type.Boolean({
          default: false,
          description:
            "Set true to enter the MergeQueue of the base, which merges it once its checks pass; false to leave. Asks for what merging asks, but for the checks: those the queue waits for.",
        }),
      ),
      queuePriority: Type.Optional(
        oneOf(queuePriorities, {
          description: "Place in the merge queue; urgent goes before everything. A label may give more (MergeQueue).",
        }),
      ),
      expectedHeadSha: Type.Optional(sha("Merge only if the head is this commit.")),
      closed: Type.Optional(Type.Boolean({ default: false, description: "Closed without merging; may be reopened." })),
      labels: Type.Optional(
        setOf(text(100, "A label.", { minLength: 1 }), { maxItems: 100, description: "Free labels." }),
      ),
      assignees: Type.Optional(
        setOf(text(253, "User name.", { minLength: 1 }), { maxItems: 20, description: "User names." }),
      ),
      milestone: Type.Optional(Type.String({ maxLength: 100, description: "Milestone." })),
      reviewers: Type.Optional(
        setOf(text(253, "User name.", { minLength: 1 }), { maxItems: 50, description: "Users asked to review." }),
      ),
      reviewTeams: Type.Optional(setOf(nameOf("Team"), { maxItems: 20, description: "Teams asked to review." })),
    },
    { description: "What is proposed." },
  ),
  {
    rule: "has(self.headRepository) == has(oldSelf.headRepository) && (!has(self.headRepository) || self.headRepository == oldSelf.headRepository)",
    message: "headRepository is immutable",
    reason: "FieldValueForbidden",
  },
  {
    rule: "!(has(self.merged) && self.merged && has(self.closed) && self.closed)",
    message: "a closed pull request cannot be merged: set closed to false first",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    external: externalEnvelope,
    number: Type.Optional(integer("Number in the repository, shared with issues.")),
    phase: Type.Optional(oneOf(["Draft", "Open", "Merging", "Merged", "Closed"], { description: "One-word summary." })),
    author: Type.Optional(identity("Who opened it.")),
    headSha: Type.Optional(sha("Commit of the head branch.")),
    baseSha: Type.Optional(
      sha("Commit of the base branch this was found out with; what the base got since does not touch the change."),
    ),
    mergeBaseSha: Type.Optional(sha("Best common ancestor.")),
    mergeState: Type.Optional(
      oneOf(["Unknown", "Clean", "Behind", "Conflicting", "Blocked"], {
        description: "Whether merging would work now.",
      }),
    ),
    changedFiles: Type.Optional(
      atomicList(text(1024, "A path."), { maxItems: 300, description: "Changed paths, at most 300." }),
    ),
    changedFilesTotal: Type.Optional(integer("Number of changed files.")),
    additions: Type.Optional(integer("Lines added.")),
    deletions: Type.Optional(integer("Lines removed.")),
    trust: Type.Optional(
      Type.Object(
        {
          tier: oneOf(["trusted", "untrusted"], { description: "Decides where its pipelines may run." }),
          fork: Type.Boolean({ description: "The head is in another repository." }),
          reason: text(1024, "Why."),
        },
        { description: "Computed by the server from the origin, never sent by a client (design D12)." },
      ),
    ),
    checks: Type.Optional(
      Type.Object(
        {
          required: Type.Optional(
            atomicList(text(253, "Name of a check."), { maxItems: 100, description: "Names of required checks." }),
          ),
          passed: integer("Completed successfully."),
          failed: integer("Completed otherwise."),
          pending: integer("Not completed."),
        },
        { description: "Checks of the head commit." },
      ),
    ),
    approvals: Type.Optional(
      atomicList(
        Type.Object(
          {
            user: text(1024, "Who approved."),
            teams: Type.Optional(
              atomicList(text(253, "A Team."), { maxItems: 100, description: "Teams at that time." }),
            ),
            sha: text(1024, "Head commit that was approved."),
            at: time("When."),
          },
          { description: "One approval." },
        ),
        {
          maxItems: 100,
          description: "Current approvals only, so that a CEL policy can judge reviewers without look-ups (C-13).",
        },
      ),
    ),
    changesRequested: Type.Optional(
      atomicList(text(1024, "User name."), {
        maxItems: 100,
        description: "Users whose latest review requests changes.",
      }),
    ),
    pipelines: Type.Optional(
      atomicList(nameOf("Pipeline"), { maxItems: 20, description: "Newest pipelines of the head, newest first." }),
    ),
    comments: Type.Optional(integer("Number of comments.")),
    unresolvedThreads: Type.Optional(integer("Threads of review comments that are not resolved.")),
    preview: Type.Optional(
      Type.Object(
        {
          phase: oneOf(["Pending", "Ready", "Failed", "Removed"], { description: "Where the environment is." }),
          url: Type.Optional(text(2048, "Address of the environment.")),
          applicationSet: Type.Optional(text(253, "Argo CD ApplicationSet that made it.")),
          namespace: Type.Optional(text(63, "Namespace it runs in.")),
        },
        { description: "Preview environment of this pull request." },
      ),
    ),
    patchSet: Type.Optional(integer("Number of the newest PatchSet: pushes of the head, the first state included.")),
    closes: Type.Optional(
      atomicList(text(320, "An issue, `name` or `namespace/name`."), {
        maxItems: 50,
        description: "Issues that merging into the default branch closes, by the words of body and commits.",
      }),
    ),
    queue: Type.Optional(
      Type.Object(
        {
          at: time("When it was queued."),
          by: text(1024, "Who queued it."),
          byGroups: Type.Optional(
            atomicList(text(1024, "A group."), { maxItems: 256, description: "Groups of who queued it." }),
          ),
          headSha: sha("The head that was queued: no other is merged."),
          bypass: Type.Optional(Type.Boolean({ description: "Who queued it may bypass the protection, and had to." })),
        },
        { description: "Entry in the merge queue; set by the server." },
      ),
    ),
    mergeCommitSha: Type.Optional(sha("Commit on the base branch that merged this.")),
    mergedAt: Type.Optional(time("When it was merged.")),
    mergedBy: Type.Optional(text(1024, "Who set merged.")),
    mergedByGroups: Type.Optional(
      atomicList(text(1024, "A group."), { maxItems: 256, description: "Groups of who set merged, at that time." }),
    ),
    closedAt: Type.Optional(time("When it was closed.")),
    closedBy: Type.Optional(text(1024, "Who closed it.")),
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
    [labels.author]: ".status.author.user",
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
    PolicyAllowed: {
      description: "Admission policies let it merge; their names are in the message.",
      reasons: ["Allowed", "DeniedByPolicy", "AuditWarning"],
    },
    Queued: {
      description: "It is in the merge queue of its base; when it was sent back the message says why and what to do.",
      reasons: [
        "Waiting",
        "Testing",
        "Landing",
        "Landed",
        "NotRequested",
        "NoQueue",
        "HeadMoved",
        "ReviewsMissing",
        "Conflicts",
        "NothingToMerge",
        "MethodNotAllowed",
        "ChecksFailed",
        "CheckTimeout",
        "PushRefused",
        "MergeRefused",
      ],
    },
    PreviewReady: {
      description: "The preview environment runs.",
      reasons: ["Ready", "Pending", "Failed", "NotConfigured", "NotInstalled", "Untrusted", "Removed"],
    },
    HeadKept: {
      description: "The head is kept in the repository itself, below refs/pull/.",
      reasons: ["Kept", "PushRefused", "GatewayUnavailable"],
    },
    IssuesClosed: {
      description: "Issues that this closes are closed.",
      reasons: ["Closed", "SomeNotClosed", "NotDefaultBranch"],
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
