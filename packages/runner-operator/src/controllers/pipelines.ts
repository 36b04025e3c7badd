/** A Pipeline → its Jobs, and its Jobs → its status (kinds.md §7.2). */
import {
  type Controller,
  defineController,
  done,
  ownedBy,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from "@krate/controller";
import { finishedPipelinePhases, isFalse, isReason, isTrue, Job, Pipeline, RunnerPool } from "@krate/kinds";
import { parseWorkflow, planJobs, WorkflowError } from "@krate/workflow";
import type { RepositoryContent } from "../git/content.ts";
import { renderJob } from "../job/render-job.ts";
import { choosePool, type PoolObject } from "../pipeline/choose-pool.ts";
import type { PipelineObject } from "../pipeline/render-pipeline.ts";
import { summarize } from "../pipeline/summarize.ts";
import { jobsOfPipeline } from "./indexes.ts";

type Status = NonNullable<PipelineObject["status"]>;
type Result = ReconcileResult<Status>;

const finished = new Set<string>(finishedPipelinePhases);
const rfc3339 = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;

export function pipelines(content: RepositoryContent): Controller {
  return defineController({
    name: "pipelines",
    for: Pipeline,
    concurrency: 8,
    watches: [
      ownedBy(Job, Pipeline),
      watch(RunnerPool, ({ metadata }, { lister }) =>
        lister(Pipeline)
          .list(metadata.namespace)
          .filter(({ status }) => status?.phase === "Pending")
          .map((pipeline) => ({ namespace: pipeline.metadata.namespace ?? "", name: pipeline.metadata.name ?? "" })),
      ),
    ],
    async reconcile(pipeline, context) {
      if (finished.has(pipeline.status?.phase ?? "")) return done();
      const expected = pipeline.status?.jobs?.length;
      const jobs = jobsOfPipeline(context.lister(Job), pipeline);
      // `status.jobs` is written only after all jobs exist, so with it nothing is left to create.
      if (expected !== undefined && expected > 0) {
        return jobs.length < expected ? done() : { ...summarize(pipeline, jobs, rfc3339(context.now())) };
      }
      return start(pipeline, context, content);
    },
  });
}

function over(
  status: Partial<Status>,
  context: ReconcileContext,
  ...conditions: NonNullable<Result["conditions"]>
): Result {
  return { status: { completedAt: rfc3339(context.now()), ...status }, conditions };
}

async function start(pipeline: PipelineObject, context: ReconcileContext, content: RepositoryContent): Promise<Result> {
  const { spec, metadata } = pipeline;
  if (spec.cancelRequested) {
    return over({ phase: "Cancelled", conclusion: "cancelled" }, context, isFalse("Completed", "Cancelled"));
  }
  const plans = await plansOf(pipeline, context, content);
  if ("invalid" in plans) return invalid(pipeline, context, plans.invalid, plans.message);
  const choice = choosePool(pipeline, context.lister(RunnerPool).list(metadata.namespace));
  if ("refused" in choice) {
    const admitted = isFalse("Admitted", choice.refused, choice.message);
    // A missing pool may still come; the other reasons can only be changed by a new run.
    if (choice.refused === "PoolMissing") return { status: { phase: "Pending" }, conditions: [admitted] };
    context.events.record(pipeline, "Warning", choice.refused, choice.message);
    return over(
      { phase: "Rejected", conclusion: "failure" },
      context,
      admitted,
      isFalse("Completed", "Rejected", choice.message),
    );
  }
  return createJobs(pipeline, plans.jobs, choice.pool, context);
}

type Plans =
  | { jobs: ReturnType<typeof planJobs> }
  | { invalid: "WorkflowMissing" | "WorkflowInvalid"; message: string };

/** The workflow file at the run's commit as jobs. Read before a pool is looked for: a mistake in it is told whether or not there is one. */
async function plansOf(
  { metadata, spec }: PipelineObject,
  { signal }: ReconcileContext,
  content: RepositoryContent,
): Promise<Plans> {
  const at = { namespace: metadata.namespace ?? "", repository: spec.repository, sha: spec.sha ?? "", signal };
  const text = await content.file(at, spec.workflow);
  if (text === undefined) {
    return { invalid: "WorkflowMissing", message: `${spec.workflow} is not in commit ${spec.sha}` };
  }
  try {
    return { jobs: planJobs(parseWorkflow(text, spec.workflow)) };
  } catch (error) {
    if (error instanceof WorkflowError) return { invalid: "WorkflowInvalid", message: error.message };
    throw error;
  }
}

function invalid(pipeline: PipelineObject, context: ReconcileContext, reason: string, message: string): Result {
  context.events.record(pipeline, "Warning", reason, message);
  const failure = { signature: `${pipeline.spec.workflow}:${reason}`, file: pipeline.spec.workflow, message };
  return over(
    { phase: "Failed", conclusion: "failure", failure },
    context,
    isFalse("WorkflowResolved", reason, message),
    isFalse("Completed", "Failed", message),
  );
}

async function createJobs(
  pipeline: PipelineObject,
  plans: ReturnType<typeof planJobs>,
  pool: PoolObject,
  { client, signal, now }: ReconcileContext,
): Promise<Result> {
  const jobs = [];
  for (const plan of plans) {
    const object = renderJob(pipeline, plan, pool);
    try {
      jobs.push(await client.create(Job, object, { signal }));
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
      jobs.push(
        await client.get(Job, { namespace: object.metadata.namespace, name: object.metadata.name }, { signal }),
      );
    }
  }
  const summary = summarize(pipeline, jobs, rfc3339(now()));
  const { spec, metadata } = pipeline;
  const scope = { repository: spec.repository, ref: spec.ref, pipeline: metadata.name ?? "" };
  return {
    status: { ...summary.status, identity: { serviceAccount: jobs[0]?.spec.serviceAccountName ?? "", scope } },
    conditions: [
      isTrue("Admitted", "TrustTierAssigned", `${spec.trustTier} in RunnerPool ${pool.metadata.name}`),
      isTrue("WorkflowResolved", "Resolved"),
      isTrue("Scheduled", "Scheduled"),
      ...summary.conditions,
    ],
  };
}
