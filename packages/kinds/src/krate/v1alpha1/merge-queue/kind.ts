import { defineConfigKind } from "../../../define-kind.ts";
import {
  atomicList,
  commonStatus,
  immutable,
  integer,
  listMap,
  nameOf,
  oneOf,
  organizationRef,
  setOf,
  setOnce,
  sha,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

export const queuePriorities = ["low", "normal", "high", "urgent"] as const;

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      repository: immutable(nameOf("Repository")),
      branch: Type.Optional(
        text(255, "Branch it merges into; the default branch of the repository when absent.", { minLength: 1 }),
      ),
      batch: Type.Optional(
        withRules(
          Type.Object(
            {
              maxSize: Type.Optional(
                integer("Most pull requests that are tested and land together.", {
                  minimum: 1,
                  maximum: 32,
                  default: 5,
                }),
              ),
              minSize: Type.Optional(
                integer("A batch begins when so many wait, or the first has waited for waitSeconds.", {
                  minimum: 1,
                  maximum: 32,
                  default: 1,
                }),
              ),
              waitSeconds: Type.Optional(
                integer("Longest that the first waits for others until minSize is reached.", {
                  maximum: 86400,
                  default: 300,
                }),
              ),
            },
            { description: "How many pull requests are tested together." },
          ),
          {
            rule: "!has(self.minSize) || !has(self.maxSize) || self.minSize <= self.maxSize",
            message: "minSize may not be more than maxSize",
          },
        ),
      ),
      mergeMethod: Type.Optional(
        oneOf(["merge", "squash", "rebase"], {
          description:
            "How everything in this queue is merged; as each pull request or the repository says when absent.",
        }),
      ),
      requiredChecks: Type.Optional(
        setOf(text(253, "Name of a CheckRun.", { minLength: 1 }), {
          maxItems: 50,
          description:
            "CheckRuns that must succeed on the candidate commit; those of the branch's BranchProtections when absent.",
        }),
      ),
      checkTimeoutSeconds: Type.Optional(
        integer("Longest that the checks of one candidate may take; then they count as failed.", {
          minimum: 10,
          maximum: 86400,
          default: 3600,
        }),
      ),
      priorityLabels: Type.Optional(
        listMap(
          Type.Object(
            {
              label: text(100, "A label of the pull request (spec.labels).", { minLength: 1 }),
              priority: oneOf(queuePriorities, { description: "Priority it gives; the highest of all counts." }),
            },
            { description: "What one label is worth." },
          ),
          ["label"],
          { maxItems: 50, description: "Labels that give a pull request its priority in the queue." },
        ),
      ),
      directMerges: Type.Optional(
        oneOf(["Deny", "Allow"], {
          default: "Deny",
          description:
            "Whether a pull request may be merged past the queue; holders of `update repositories/admin` always may.",
        }),
      ),
      paused: Type.Optional(
        Type.Boolean({
          default: false,
          description: "Nothing new begins; a batch whose checks passed before still lands.",
        }),
      ),
    },
    { description: "Which branch it merges into and how." },
  ),
  ...setOnce("branch"),
);

const pullRequest = nameOf("PullRequest");
const uid = text(128, "UID of the PullRequest.");

const status = Type.Object(
  {
    ...commonStatus,
    phase: Type.Optional(
      oneOf(["Empty", "Waiting", "Testing", "Bisecting", "Landing", "Paused", "Blocked"], {
        description: "One-word summary; Blocked: see condition Ready.",
      }),
    ),
    branch: Type.Optional(text(255, "Branch it merges into.")),
    depth: Type.Optional(integer("Pull requests in the queue.")),
    head: Type.Optional(text(253, "Name of the first PullRequest.")),
    requiredChecks: Type.Optional(
      atomicList(text(253, "Name of a CheckRun."), { maxItems: 250, description: "Checks a candidate needs now." }),
    ),
    entries: Type.Optional(
      atomicList(
        Type.Object(
          {
            pullRequest,
            uid,
            number: Type.Optional(integer("Number of the pull request.")),
            position: integer("Place in the queue, from 1; 0 for one that has left."),
            priority: oneOf(queuePriorities, { description: "Priority, from label or spec." }),
            phase: oneOf(["Waiting", "Testing", "Landing", "Landed", "Leaving"], {
              description: "Landed: the pull request is being marked as merged. Leaving: it is being told why.",
            }),
            headSha: sha("Commit that was queued."),
            queuedAt: time("Since when."),
            queuedBy: Type.Optional(text(1024, "Who queued it.")),
            passedOver: integer("Batches that began with a later one instead; after five it goes first."),
            commit: Type.Optional(sha("Its commit on the base branch, once landed.")),
            reason: Type.Optional(text(253, "CamelCase word about the phase.")),
            message: Type.Optional(text(4096, "The same for people.")),
            since: Type.Optional(time("Since when it has landed.")),
          },
          { description: "One pull request in the queue." },
        ),
        { maxItems: 200, description: "The first 200 pull requests, in the order in which they land." },
      ),
    ),
    batch: Type.Optional(
      Type.Object(
        {
          phase: oneOf(["Testing", "Landing"], { description: "Testing: checks run. Landing: they passed." }),
          baseSha: sha("Commit of the branch that it is built on."),
          builtAt: time("When it was built: the time of its commits."),
          members: atomicList(
            Type.Object(
              {
                pullRequest,
                uid,
                headSha: sha("Head that was merged."),
                commit: sha("Commit that merges it onto the member before."),
                treeId: sha("Tree of that commit."),
              },
              { description: "One pull request of the batch." },
            ),
            { minItems: 1, maxItems: 32, description: "In the order in which they land." },
          ),
          good: integer("Members, from the first, that are on the branch already."),
          bad: Type.Optional(integer("The first so many members are known to fail together.", { minimum: 1 })),
          probe: integer("The first so many members are tested now.", { minimum: 1 }),
          round: integer("How many candidates this batch has needed.", { minimum: 1 }),
          candidate: sha("Commit that is tested and, when it passes, is what the branch moves to."),
          treeId: sha("Tree of the candidate."),
          ref: text(400, "Where the candidate is."),
          testingSince: time("Since when its checks are waited for."),
          failure: Type.Optional(
            Type.Object(
              {
                reason: text(253, "ChecksFailed, CheckTimeout or PushRefused."),
                message: text(4096, "Which check, and where its log is."),
              },
              { description: "Why the first `bad` members failed." },
            ),
          ),
        },
        { description: "What is tested or lands now." },
      ),
    ),
    landed: Type.Optional(integer("Pull requests this queue has landed.")),
    ejected: Type.Optional(integer("Pull requests this queue has sent back.")),
    lastLandedAt: Type.Optional(time("When the newest landed.")),
    lastLandedCommit: Type.Optional(sha("What the branch was moved to last.")),
    history: Type.Optional(
      atomicList(
        Type.Object(
          {
            pullRequest,
            result: oneOf(["Landed", "Ejected"], { description: "How it ended." }),
            reason: text(253, "CamelCase word."),
            message: text(4096, "The same for people."),
            at: time("When."),
          },
          { description: "One that has left." },
        ),
        { maxItems: 20, description: "The newest that left, newest first." },
      ),
    ),
  },
  { description: "Observed queue." },
);

/** Lands pull requests in order, only trees that were tested (kinds.md §5, PR-07; demand 9). */
export const MergeQueue = defineConfigKind({
  kind: "MergeQueue",
  plural: "mergequeues",
  shortNames: ["mq"],
  description: "Merges pull requests into one branch, in order, each only as part of a commit whose checks passed.",
  spec,
  status,
  printerColumns: [
    { name: "Repository", type: "string", jsonPath: ".spec.repository" },
    { name: "Branch", type: "string", jsonPath: ".status.branch" },
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Queued", type: "integer", jsonPath: ".status.depth", description: "Pull requests in the queue." },
    { name: "Head", type: "string", jsonPath: ".status.head", description: "The first of them." },
    { name: "Landed", type: "integer", jsonPath: ".status.landed" },
    { name: "Last landed", type: "date", jsonPath: ".status.lastLandedAt" },
    { name: "Candidate", type: "string", jsonPath: ".status.batch.candidate", priority: 1 },
    { name: "Sent back", type: "integer", jsonPath: ".status.ejected", priority: 1 },
  ],
  selectableFields: [".spec.repository"],
  conditions: {
    Ready: {
      description: "The queue can work.",
      reasons: ["Ready", "Paused", "RepositoryMissing", "BranchMissing", "AnotherQueue", "GatewayUnavailable"],
    },
    ChecksConfigured: {
      description: "A candidate is judged by at least one check.",
      reasons: ["Configured", "NoneRequired"],
    },
    Progressing: {
      description: "What the queue does now.",
      reasons: ["Empty", "WaitingForMore", "Testing", "Bisecting", "Landing", "Rebuilding", "Paused", "Blocked"],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
});
