import { defineRecordKind } from "../../../define-kind.ts";
import { externalEnvelope } from "../../../external.ts";
import { labels } from "../../../labels.ts";
import {
  commonStatus,
  immutable,
  integer,
  listMap,
  mapOf,
  nameOf,
  oneOf,
  organizationRef,
  setOnce,
  sha,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

/** Phases in which a Pipeline never changes again. */
export const finishedPipelinePhases = ["Succeeded", "Failed", "Cancelled", "Rejected"] as const;

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      repository: immutable(nameOf("Repository")),
      ref: immutable(text(255, "Full ref name the run is for.", { minLength: 1 })),
      sha: Type.Optional(sha("Commit that is built; what ref points at when absent.")),
      workflow: immutable(
        text(1024, "Path of the workflow file at that commit, such as .krate/workflows/ci.yaml.", { minLength: 1 }),
      ),
      workflowName: Type.Optional(text(253, "Name of the workflow, shown in lists; from the file when absent.")),
      runnerPool: Type.Optional(
        nameOf("RunnerPool", "RunnerPool that runs the jobs; the repository's pool for the trust tier when absent."),
      ),
      trustTier: Type.Optional(
        oneOf(["trusted", "untrusted"], {
          description: "Computed by the server from the origin of the code; a higher value is refused.",
        }),
      ),
      fork: Type.Optional(
        Type.Boolean({ description: "The code comes from another repository; computed from the pull request." }),
      ),
      pullRequest: Type.Optional(nameOf("PullRequest", "PullRequest the run is for.")),
      trigger: Type.Optional(
        Type.Object(
          {
            event: text(100, "Event of the workflow's `on`: push, pull_request, workflow_dispatch…", { minLength: 1 }),
            actor: Type.Optional(text(1024, "Who caused it.")),
            gitEvent: Type.Optional(nameOf("GitEvent", "GitEvent that caused it.")),
          },
          { description: "Why the run exists." },
        ),
      ),
      resumeFrom: Type.Optional(
        text(253, "`job` or `job/step` to start at; what comes before is marked Skipped.", { minLength: 1 }),
      ),
      rerunOf: Type.Optional(nameOf("Pipeline", "Pipeline this one repeats.")),
      rerunFailedOnly: Type.Optional(
        Type.Boolean({ default: false, description: "Repeat only jobs that did not succeed, and what needs them." }),
      ),
      cancelRequested: Type.Optional(
        Type.Boolean({ default: false, description: "Set true to cancel; cannot be taken back." }),
      ),
      parameters: Type.Optional(
        mapOf(text(4096, "Value of the parameter."), { description: "Inputs of the workflow.", maxProperties: 64 }),
      ),
    },
    { description: "What is to be run." },
  ),
  ...setOnce(
    "sha",
    "workflowName",
    "runnerPool",
    "trustTier",
    "fork",
    "pullRequest",
    "trigger",
    "resumeFrom",
    "rerunOf",
    "rerunFailedOnly",
    "parameters",
  ),
  {
    rule: "!(has(oldSelf.cancelRequested) && oldSelf.cancelRequested) || (has(self.cancelRequested) && self.cancelRequested)",
    message: "cancelRequested cannot be taken back: create a new Pipeline with rerunOf",
    reason: "FieldValueForbidden",
  },
  {
    rule: "!(has(self.fork) && self.fork) || !has(self.trustTier) || self.trustTier == 'untrusted'",
    message: "trustTier must be untrusted for code of a fork",
  },
  {
    rule: "!(has(self.rerunFailedOnly) && self.rerunFailedOnly) || has(self.rerunOf)",
    message: "rerunOf is required when rerunFailedOnly is true",
    reason: "FieldValueRequired",
  },
);

const status = Type.Object(
  {
    ...commonStatus,
    external: externalEnvelope,
    number: Type.Optional(integer("Number in the repository, counted per workflow.", { minimum: 1 })),
    phase: Type.Optional(
      oneOf(["Pending", "Queued", "Running", "Succeeded", "Failed", "Cancelled", "Rejected"], {
        description: "One-word summary; the last four never change.",
      }),
    ),
    conclusion: Type.Optional(
      oneOf(["success", "failure", "cancelled", "timed-out", "skipped"], { description: "Outcome of a finished run." }),
    ),
    queuedAt: Type.Optional(time("When it was queued.")),
    startedAt: Type.Optional(time("When the first job started.")),
    completedAt: Type.Optional(time("When it finished.")),
    waitSeconds: Type.Optional(Type.Number({ minimum: 0, description: "From queued to started, seconds." })),
    durationSeconds: Type.Optional(Type.Number({ minimum: 0, description: "From started to completed, seconds." })),
    jobs: Type.Optional(
      listMap(
        Type.Object(
          {
            id: text(253, "Id of the job in the workflow, with its matrix values when it has some."),
            name: text(253, "Name of the Job object."),
            displayName: Type.Optional(text(253, "Name shown to people.")),
            phase: text(32, "Phase of the Job."),
            parent: Type.Optional(text(253, "Job it is nested under, by id.")),
            startedAt: Type.Optional(time("When it started.")),
            completedAt: Type.Optional(time("When it finished.")),
          },
          { description: "One job." },
        ),
        ["id"],
        { maxItems: 512, description: "Jobs in the order of the workflow." },
      ),
    ),
    failure: Type.Optional(
      Type.Object(
        {
          signature: text(1024, "Stable text of this failure; its normalised form is label failure.signature."),
          job: Type.Optional(text(253, "Job that failed first.")),
          step: Type.Optional(text(253, "Step that failed first.")),
          file: Type.Optional(text(1024, "File the failure names.")),
          line: Type.Optional(integer("Line the failure names.")),
          message: Type.Optional(text(4096, "What was said.")),
        },
        { description: "First failure." },
      ),
    ),
    identity: Type.Optional(
      Type.Object(
        {
          serviceAccount: text(253, "ServiceAccount of the run."),
          scope: Type.Object(
            {
              repository: text(253, "Repository."),
              ref: text(255, "Ref."),
              pipeline: text(253, "Pipeline."),
            },
            { description: "What its token is good for." },
          ),
        },
        { description: "Identity of the jobs." },
      ),
    ),
    cost: Type.Optional(Type.Number({ minimum: 0, description: "Cost, in the pool's currency." })),
  },
  { description: "Observed run." },
);

/** One CI invocation of one workflow file (kinds.md §7.2, RUN-02, design D9). */
export const Pipeline = defineRecordKind({
  kind: "Pipeline",
  plural: "pipelines",
  shortNames: ["pipe"],
  description: "One run of one workflow file at one commit.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Repository", type: "string", jsonPath: ".spec.repository" },
    { name: "Workflow", type: "string", jsonPath: ".spec.workflowName" },
    { name: "Ref", type: "string", jsonPath: ".spec.ref" },
    { name: "Trust", type: "string", jsonPath: ".spec.trustTier" },
    { name: "Seconds", type: "number", jsonPath: ".status.durationSeconds" },
    { name: "Commit", type: "string", jsonPath: ".spec.sha", priority: 1 },
    { name: "Pool", type: "string", jsonPath: ".spec.runnerPool", priority: 1 },
    { name: "Failure", type: "string", jsonPath: ".status.failure.signature", priority: 1 },
  ],
  selectableFields: [
    ".spec.repository",
    ".spec.ref",
    ".spec.sha",
    ".spec.pullRequest",
    ".spec.runnerPool",
    ".status.phase",
  ],
  mirroredLabels: {
    [labels.repository]: ".spec.repository",
    [labels.pullRequest]: ".spec.pullRequest",
    [labels.runnerPool]: ".spec.runnerPool",
    [labels.trustTier]: ".spec.trustTier",
    [labels.phase]: ".status.phase",
    [labels.failureSignature]: ".status.failure.signature",
  },
  conditions: {
    Admitted: {
      description: "The run may use its pool.",
      reasons: ["TrustTierAssigned", "ForkOnTrustedPool", "RepositoryNotAllowed", "PolicyDenied", "PoolMissing"],
    },
    WorkflowResolved: {
      description: "The workflow file exists at the commit and is valid.",
      reasons: ["Resolved", "WorkflowMissing", "WorkflowInvalid", "CommitMissing"],
    },
    Scheduled: { description: "Jobs are placed.", reasons: ["Scheduled", "NoCapacity", "PoolPaused"] },
    CacheRehydrated: { description: "The cache was restored.", reasons: ["Restored", "NotConfigured", "Unavailable"] },
    Completed: {
      description: "The run is over.",
      reasons: ["Succeeded", "Failed", "Cancelled", "Rejected", "Running"],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
  retentionDays: 180,
});
