/**
 * What a live list shows of each object: small, so that a list of ten thousand stays light in the browser. One type and one function
 * per resource; `resources.ts` says which kind each is of.
 */
import type { Job, ObjectOf, Pipeline, PullRequest, Repository } from "@krate/kinds";

/** What every row has. */
export interface Row {
  name: string;
  uid: string;
  createdAt: string;
}

const base = ({ metadata }: { metadata: { name?: string; uid?: string; creationTimestamp?: string } }): Row => ({
  name: metadata.name ?? "",
  uid: metadata.uid ?? "",
  createdAt: metadata.creationTimestamp ?? "",
});

export interface RepositoryRow extends Row {
  description?: string;
  visibility: string;
  phase?: string;
  defaultBranch: string;
  topics: string[];
  archived: boolean;
  pushedAt?: string;
}

export function repositoryRow(object: ObjectOf<typeof Repository>): RepositoryRow {
  const { spec, status } = object;
  return {
    ...base(object),
    description: spec.description,
    visibility: spec.visibility ?? "internal",
    phase: status?.phase,
    defaultBranch: spec.defaultBranch ?? "main",
    topics: spec.topics ?? [],
    archived: spec.archived ?? false,
  };
}

export interface PullRequestRow extends Row {
  repository: string;
  number?: number;
  title: string;
  phase: string;
  author?: string;
  head: string;
  base?: string;
  headSha?: string;
  mergeState?: string;
  draft: boolean;
  labels: string[];
  additions?: number;
  deletions?: number;
  comments: number;
  approvals: number;
  changesRequested: number;
  checks?: { passed: number; failed: number; pending: number };
  /** Changes with every write: what a page about one pull request waits for. */
  version: string;
}

export function pullRequestRow(object: ObjectOf<typeof PullRequest>): PullRequestRow {
  const { metadata, spec, status } = object;
  return {
    ...base(object),
    repository: spec.repository,
    number: status?.number,
    title: spec.title,
    phase: status?.phase ?? (spec.draft ? "Draft" : "Open"),
    author: status?.author?.user,
    head: spec.head,
    base: spec.base,
    headSha: status?.headSha,
    mergeState: status?.mergeState,
    draft: spec.draft ?? false,
    labels: spec.labels ?? [],
    additions: status?.additions,
    deletions: status?.deletions,
    comments: status?.comments ?? 0,
    approvals: status?.approvals?.length ?? 0,
    changesRequested: status?.changesRequested?.length ?? 0,
    checks: status?.checks && {
      passed: status.checks.passed,
      failed: status.checks.failed,
      pending: status.checks.pending,
    },
    version: metadata.resourceVersion ?? "",
  };
}

export interface PipelineRow extends Row {
  repository: string;
  number?: number;
  workflow: string;
  ref: string;
  sha?: string;
  event?: string;
  actor?: string;
  pullRequest?: string;
  phase: string;
  queuedAt?: string;
  startedAt?: string;
  completedAt?: string;
  jobs: number;
  version: string;
}

export function pipelineRow(object: ObjectOf<typeof Pipeline>): PipelineRow {
  const { metadata, spec, status } = object;
  return {
    ...base(object),
    repository: spec.repository,
    number: status?.number,
    workflow: spec.workflowName ?? spec.workflow,
    ref: spec.ref,
    sha: spec.sha,
    event: spec.trigger?.event,
    actor: spec.trigger?.actor,
    pullRequest: spec.pullRequest,
    phase: status?.phase ?? "Pending",
    queuedAt: status?.queuedAt,
    startedAt: status?.startedAt,
    completedAt: status?.completedAt,
    jobs: status?.jobs?.length ?? 0,
    version: metadata.resourceVersion ?? "",
  };
}

export interface StepRow {
  number: number;
  name: string;
  phase: string;
  startedAt?: string;
  completedAt?: string;
}

export interface JobRow extends Row {
  pipeline: string;
  job: string;
  title: string;
  index: number;
  needs: string[];
  phase: string;
  message?: string;
  exitCode?: number;
  startedAt?: string;
  completedAt?: string;
  pod?: { namespace: string; name: string };
  pool: string;
  trust: string;
  hints: { reason: string; message: string }[];
  steps: StepRow[];
}

export function jobRow(object: ObjectOf<typeof Job>): JobRow {
  const { spec, status } = object;
  const planned = (spec.steps ?? []).map(({ number, name }): StepRow => ({ number, name, phase: "Pending" }));
  const known = new Map((status?.steps ?? []).map((step) => [step.number, step]));
  return {
    ...base(object),
    pipeline: spec.pipeline,
    job: spec.job,
    title: spec.displayName ?? spec.job,
    index: spec.index ?? 0,
    needs: spec.needs ?? [],
    phase: status?.phase ?? "Pending",
    message: status?.message,
    exitCode: status?.exitCode,
    startedAt: status?.startedAt,
    completedAt: status?.completedAt,
    pod: status?.pod && { namespace: status.pod.namespace, name: status.pod.name },
    pool: spec.runnerPool,
    trust: spec.trustTier,
    hints: status?.hints ?? [],
    steps:
      planned.length > 0
        ? planned.map((step) => ({ ...step, ...stepOf(known.get(step.number)) }))
        : [...known.values()].map(stepOf),
  };
}

function stepOf(step: StepRow | undefined): StepRow {
  if (!step) return {} as StepRow;
  const { number, name, phase, startedAt, completedAt } = step;
  return { number, name, phase, startedAt, completedAt };
}
