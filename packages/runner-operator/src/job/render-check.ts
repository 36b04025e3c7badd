/** A Job → the CheckRun that tells about it (RUN-19). Pure. */
import type { CheckRun, ObjectOf } from "@krate/kinds";
import { type PipelineObject, shortHash } from "../pipeline/render-pipeline.ts";
import type { JobObject } from "./render-job.ts";

export type CheckRunObject = ObjectOf<typeof CheckRun>;

const conclusions: Record<string, NonNullable<NonNullable<CheckRunObject["status"]>["conclusion"]>> = {
  Succeeded: "success",
  Failed: "failure",
  Skipped: "skipped",
  Cancelled: "cancelled",
  TimedOut: "timed-out",
};

/** `<workflow> / <job>`: what BranchProtection.spec.requiredChecks names. */
export function checkName(pipeline: PipelineObject, job: JobObject): string {
  return `${pipeline.spec.workflowName ?? pipeline.spec.workflow} / ${job.spec.displayName ?? job.spec.job}`.slice(
    0,
    253,
  );
}

/** One per (repository, commit, name): a rerun speaks through the same object. */
export function renderCheck(pipeline: PipelineObject, job: JobObject) {
  const name = checkName(pipeline, job);
  const { organizationRef, repository = "", sha = "" } = job.spec;
  const { phase, startedAt, completedAt, message } = job.status ?? {};
  const conclusion = conclusions[phase ?? ""];
  return {
    object: {
      metadata: {
        name: `${repository.slice(0, 50)}-${shortHash(`${sha}\n${name}`)}`,
        namespace: job.metadata.namespace ?? "",
      },
      spec: { organizationRef, repository, sha, name, pipeline: job.spec.pipeline },
    },
    status: {
      phase: conclusion ? ("Completed" as const) : startedAt ? ("InProgress" as const) : ("Queued" as const),
      ...(conclusion && { conclusion }),
      ...(startedAt && { startedAt }),
      ...(conclusion && completedAt && { completedAt }),
      ...(conclusion && message && { summary: message }),
    },
  };
}
