import { defineRecordKind } from "../../../define-kind.ts";
import { externalEnvelope } from "../../../external.ts";
import { labels } from "../../../labels.ts";
import {
  atomicList,
  commonStatus,
  integer,
  listMap,
  mapOf,
  nameOf,
  oneOf,
  organizationRef,
  sha,
  Type,
  text,
  time,
  withRules,
} from "../../../schema.ts";

/** Phases in which a Job never changes again. */
export const finishedJobPhases = ["Succeeded", "Failed", "Skipped", "Cancelled", "TimedOut"] as const;

const phases = ["Pending", "Queued", "Starting", "Running", ...finishedJobPhases] as const;
const environment = (description: string) =>
  mapOf(text(32768, "Value; may hold workflow expressions. Never a secret."), {
    description,
    maxProperties: 256,
  });

const step = Type.Object(
  {
    number: integer("Position in the job, from 1.", { minimum: 1 }),
    name: text(253, "Name shown to people.", { minLength: 1 }),
    id: Type.Optional(text(100, "Id other steps refer to.")),
    if: Type.Optional(text(4096, "Expression that decides whether the step runs; success() when absent.")),
    run: Type.Optional(text(65536, "Script to run.")),
    shell: Type.Optional(text(253, "Shell of the script: bash, sh, or a command with {0}.")),
    workingDirectory: Type.Optional(text(1024, "Folder in the workspace.")),
    uses: Type.Optional(text(1024, "Built-in action, such as actions/checkout@v4.")),
    with: Type.Optional(
      mapOf(text(4096, "Value of the input."), { description: "Inputs of the action.", maxProperties: 64 }),
    ),
    env: Type.Optional(environment("Environment of the step.")),
    continueOnError: Type.Optional(Type.Boolean({ default: false, description: "A failure does not fail the job." })),
    timeoutSeconds: Type.Optional(integer("Longest run, seconds.", { minimum: 1 })),
  },
  { description: "One step." },
);

const spec = withRules(
  Type.Object(
    {
      organizationRef,
      pipeline: nameOf("Pipeline"),
      repository: Type.Optional(nameOf("Repository", "Repository of the pipeline.")),
      ref: Type.Optional(text(255, "Full ref name of the pipeline.")),
      sha: Type.Optional(sha("Commit of the pipeline.")),
      job: text(253, "Id of the job in the workflow, with its matrix values when it has some.", { minLength: 1 }),
      displayName: Type.Optional(text(253, "Name shown to people and in checks.")),
      index: Type.Optional(integer("Position in the workflow, from 0.")),
      parent: Type.Optional(text(253, "Job this one is nested under, by id.")),
      needs: Type.Optional(
        atomicList(text(253, "Id of a job."), {
          maxItems: 100,
          description: "Jobs that must be over before this one.",
        }),
      ),
      if: Type.Optional(text(4096, "Expression that decides whether the job runs; success() when absent.")),
      matrix: Type.Optional(
        mapOf(text(1024, "Value."), { description: "Values of the matrix for this job.", maxProperties: 32 }),
      ),
      image: Type.Optional(text(1024, "Container image; the pool's when absent.")),
      command: Type.Optional(
        atomicList(text(4096, "A word."), {
          maxItems: 64,
          description: "Command of the container; krate-runner when absent.",
        }),
      ),
      env: Type.Optional(environment("Environment of all steps.")),
      steps: Type.Optional(
        listMap(step, ["number"], { maxItems: 256, description: "Steps, compiled from the workflow file." }),
      ),
      outputs: Type.Optional(
        mapOf(text(4096, "Expression."), { description: "Outputs other jobs may use.", maxProperties: 64 }),
      ),
      continueOnError: Type.Optional(
        Type.Boolean({ default: false, description: "A failure does not fail the pipeline." }),
      ),
      resumeFromStep: Type.Optional(text(253, "Step to start at; earlier ones are marked Skipped.")),
      runnerPool: nameOf("RunnerPool"),
      trustTier: oneOf(["trusted", "untrusted"], { description: "Copied from the pipeline." }),
      serviceAccountName: Type.Optional(nameOf("ServiceAccount", "ServiceAccount of the Pod.")),
      timeoutSeconds: Type.Optional(integer("Longest run, seconds.", { minimum: 1, maximum: 604800, default: 3600 })),
      cacheScope: Type.Optional(text(1024, "Key prefix of the cache: `<org>/<pool>/<repository>`.")),
      workspace: Type.Optional(text(1024, "Digest of the workspace snapshot to start from.")),
    },
    { description: "What one Pod does." },
  ),
  { rule: "self == oldSelf", message: "is immutable: a job is never changed", reason: "FieldValueForbidden" },
);

const status = Type.Object(
  {
    ...commonStatus,
    external: externalEnvelope,
    phase: Type.Optional(oneOf(phases, { description: "One-word summary; the last five never change." })),
    pod: Type.Optional(
      Type.Object(
        {
          namespace: text(63, "Namespace of the Pod."),
          name: text(253, "Name of the Pod."),
          uid: Type.Optional(text(128, "UID of the Pod.")),
          node: Type.Optional(text(253, "Node it runs on.")),
        },
        { description: "The Pod of this job." },
      ),
    ),
    exitCode: Type.Optional(Type.Integer({ description: "Exit code of the step that decided the outcome." })),
    message: Type.Optional(text(4096, "What decided the outcome, for people.")),
    queuedAt: Type.Optional(time("When it was queued.")),
    startedAt: Type.Optional(time("When the Pod started to work.")),
    completedAt: Type.Optional(time("When it finished.")),
    steps: Type.Optional(
      listMap(
        Type.Object(
          {
            name: text(253, "Name of the step."),
            number: integer("Position in the job, from 1.", { minimum: 1 }),
            phase: oneOf(["Pending", "Running", "Succeeded", "Failed", "Skipped", "Cancelled", "TimedOut"], {
              description: "Where the step is.",
            }),
            exitCode: Type.Optional(Type.Integer({ description: "Exit code of its script." })),
            startedAt: Type.Optional(time("When it started.")),
            completedAt: Type.Optional(time("When it finished.")),
          },
          { description: "One step." },
        ),
        ["number"],
        { maxItems: 256, description: "Steps with their own log sections." },
      ),
    ),
    outputs: Type.Optional(mapOf(text(32768, "Value."), { description: "Outputs of the job.", maxProperties: 64 })),
    isolation: Type.Optional(
      Type.Object(
        {
          secrets: Type.Boolean({ description: "The job may hold secrets." }),
          clusterApi: Type.Boolean({ description: "The job may reach the cluster's API." }),
        },
        { description: "What the trust tier allows." },
      ),
    ),
    serviceAccountScope: Type.Optional(
      Type.Object(
        {
          repository: text(253, "Repository."),
          ref: text(255, "Ref."),
          pipeline: text(253, "Pipeline."),
        },
        { description: "What the job's token is good for." },
      ),
    ),
    token: Type.Optional(
      Type.Object(
        {
          audience: text(1024, "Audience of the projected token."),
          expirationSeconds: integer("Life of the token, seconds."),
        },
        { description: "The only credential in the Pod." },
      ),
    ),
    log: Type.Optional(
      Type.Object(
        {
          live: Type.Boolean({ description: "The log is still being written; it is read from the Pod." }),
          digest: Type.Optional(text(128, "Digest of the stored log.")),
          bytes: Type.Optional(integer("Size of the stored log, bytes.")),
        },
        { description: "Where the log is; read it with the subresource jobs/log." },
      ),
    ),
    failureSignature: Type.Optional(
      text(1024, "Stable text of this failure; its normalised form is label failure.signature."),
    ),
    hints: Type.Optional(
      atomicList(
        Type.Object(
          {
            reason: oneOf(
              ["ImagePullBackOff", "Unschedulable", "Evicted", "OOMKilled", "ResultMissing", "DeadlineExceeded"],
              {
                description: "What went wrong outside the steps.",
              },
            ),
            message: text(1024, "Explanation."),
          },
          { description: "One hint." },
        ),
        { maxItems: 20, description: "Why it is slow or failed, as the cluster tells it." },
      ),
    ),
    checks: Type.Optional(
      atomicList(nameOf("CheckRun"), { maxItems: 20, description: "CheckRuns that report this job." }),
    ),
  },
  { description: "Observed job." },
);

/**
 * One job of a workflow (kinds.md §7.3, design D9): owns exactly one runner Pod. Written by runner-operator only (C-25).
 * `spec.job` is what kinds.md calls `step`: with D9 a Job is a job of the file and steps are inside it.
 */
export const Job = defineRecordKind({
  kind: "Job",
  plural: "jobs",
  shortNames: ["fjob"],
  description: "One job of a pipeline: runs its steps in one Pod.",
  spec,
  status,
  printerColumns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Pipeline", type: "string", jsonPath: ".spec.pipeline" },
    { name: "Job", type: "string", jsonPath: ".spec.job" },
    { name: "Exit", type: "integer", jsonPath: ".status.exitCode" },
    { name: "Pool", type: "string", jsonPath: ".spec.runnerPool", priority: 1 },
    { name: "Trust", type: "string", jsonPath: ".spec.trustTier", priority: 1 },
    { name: "Node", type: "string", jsonPath: ".status.pod.node", priority: 1 },
  ],
  selectableFields: [".spec.pipeline", ".spec.repository", ".spec.runnerPool", ".status.phase"],
  mirroredLabels: {
    [labels.repository]: ".spec.repository",
    [labels.pipeline]: ".spec.pipeline",
    [labels.runnerPool]: ".spec.runnerPool",
    [labels.trustTier]: ".spec.trustTier",
    [labels.phase]: ".status.phase",
    [labels.failureSignature]: ".status.failureSignature",
  },
  conditions: {
    Scheduled: {
      description: "A Pod was created and placed.",
      reasons: ["PodCreated", "WaitingForNeeds", "NoCapacity", "PoolPaused", "ForkOnTrustedPool"],
    },
    LogStored: { description: "The log is kept beyond the Pod.", reasons: ["Stored", "PodGone", "StorageUnavailable"] },
    Completed: {
      description: "The job is over.",
      reasons: ["Succeeded", "StepFailed", "ResultMissing", "Evicted", "Cancelled", "TimedOut", "Skipped", "Running"],
    },
  },
  subresources: {
    log: {
      description: "The log: follows the Pod while the job runs (`follow=true`), afterwards the stored one.",
      verbs: ["get", "update"],
    },
  },
  roles: {
    authenticated: ["get", "list", "watch"],
    developers: ["get", "list", "watch", "create", "update", "patch"],
    repoAdmins: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
  retentionDays: 180,
});
