/**
 * What to do about a Job now. Pure.
 *
 *   Pending (needs) → Queued (capacity) → Starting (Pod made) → Running → Succeeded | Failed | TimedOut | Cancelled
 *   Pending → Skipped (a need failed, or `if` says no);  any unfinished one → Cancelled
 */
import { finishedJobPhases, type PodType } from "@krate/kinds";
import { evaluateCondition, type Outcome } from "@krate/workflow";
import type { PoolObject } from "../pipeline/choose-pool.ts";
import type { PipelineObject } from "../pipeline/render-pipeline.ts";
import type { JobObject } from "./render-job.ts";
import { resultWord } from "./render-pod.ts";

export interface JobWorld {
  job: JobObject;
  pipeline: PipelineObject | undefined;
  /** All jobs of the run. */
  siblings: readonly JobObject[];
  pod: PodType | undefined;
  pool: PoolObject | undefined;
  /** Jobs of the pool that have a Pod now. */
  active: number;
}

export type JobDecision =
  | { do: "nothing" }
  /** Finished: its Pod may go. */
  | { do: "clean-up" }
  | {
      do: "wait";
      phase: "Pending" | "Queued";
      reason: "WaitingForNeeds" | "NoCapacity" | "PoolPaused";
      message: string;
    }
  | {
      do: "finish";
      phase: "Skipped" | "Cancelled" | "Failed";
      reason: "Skipped" | "Cancelled" | "Evicted" | "StepFailed";
      message: string;
    }
  | { do: "refuse"; message: string }
  | { do: "start"; needs: JobObject[] }
  | { do: "cancel-pod" }
  | { do: "observe"; pod: PodType }
  | { do: "collect"; pod: PodType };

const finished = new Set<string>(finishedJobPhases);
export const isFinished = (job: JobObject) => finished.has(job.status?.phase ?? "");
const isOver = (pod: PodType) => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

export function planJob(world: JobWorld): JobDecision {
  const { job, pipeline, pod } = world;
  if (isFinished(job)) return pod ? { do: "clean-up" } : { do: "nothing" };
  const cancelled = pipeline === undefined || pipeline.spec.cancelRequested === true;
  if (pod) {
    if (isOver(pod)) return { do: "collect", pod };
    return cancelled && !pod.metadata?.deletionTimestamp ? { do: "cancel-pod" } : { do: "observe", pod };
  }
  if (job.status?.pod?.uid) {
    return {
      do: "finish",
      phase: "Failed",
      reason: "Evicted",
      message: `Pod ${job.status.pod.name} is gone and left no result`,
    };
  }
  if (cancelled) return { do: "finish", phase: "Cancelled", reason: "Cancelled", message: "the run was cancelled" };
  return planStart(world);
}

function planStart({ job, pipeline, siblings, pool, active }: JobWorld): JobDecision {
  const needs = siblings.filter(({ spec }) => job.spec.needs?.includes(spec.job));
  const open = needs.filter((need) => !isFinished(need));
  if (open.length > 0 || needs.length < (job.spec.needs?.length ?? 0)) {
    const names = open.map(({ spec }) => spec.job).join(", ");
    return {
      do: "wait",
      phase: "Pending",
      reason: "WaitingForNeeds",
      message: `waits for ${names || "jobs that do not exist yet"}`,
    };
  }
  const condition = judge(job, pipeline, needs);
  if ("problem" in condition) {
    return {
      do: "finish",
      phase: "Failed",
      reason: "StepFailed",
      message: `if of job ${job.spec.job}: ${condition.problem}`,
    };
  }
  if (!condition.run) {
    return {
      do: "finish",
      phase: "Skipped",
      reason: "Skipped",
      message: "a job it needs did not succeed, or its condition is false",
    };
  }
  if (!pool)
    return {
      do: "wait",
      phase: "Queued",
      reason: "NoCapacity",
      message: `RunnerPool ${job.spec.runnerPool} does not exist`,
    };
  if (job.spec.trustTier === "untrusted" && pool.spec.trustTier === "trusted") {
    return {
      do: "refuse",
      message: `untrusted code may not run in RunnerPool ${job.spec.runnerPool}, which is trusted`,
    };
  }
  if (pool.spec.paused)
    return {
      do: "wait",
      phase: "Queued",
      reason: "PoolPaused",
      message: `RunnerPool ${job.spec.runnerPool} is paused`,
    };
  if (active >= pool.spec.maxReplicas) {
    return {
      do: "wait",
      phase: "Queued",
      reason: "NoCapacity",
      message: `all ${pool.spec.maxReplicas} runners of ${job.spec.runnerPool} are busy`,
    };
  }
  return { do: "start", needs };
}

/** A need that may fail counts as succeeded, as GitHub has it. */
function outcomeOf(needs: readonly JobObject[]): Outcome {
  const phases = needs.filter(({ spec }) => !spec.continueOnError).map(({ status }) => status?.phase);
  if (phases.includes("Cancelled")) return "cancelled";
  return phases.every((phase) => phase === "Succeeded") ? "success" : "failure";
}

/** A condition that cannot be evaluated is told, not tried again. */
function judge(
  job: JobObject,
  pipeline: PipelineObject | undefined,
  needs: readonly JobObject[],
): { run: boolean } | { problem: string } {
  const needsContext = Object.fromEntries(
    needs.map((need) => [
      need.spec.job,
      { result: resultWord(need.status?.phase), outputs: need.status?.outputs ?? {} },
    ]),
  );
  const { ref = "", sha = "", repository = "" } = job.spec;
  const github = {
    ref,
    sha,
    repository: `${job.spec.organizationRef}/${repository}`,
    ref_name: ref.replace(/^refs\/(heads|tags)\//, ""),
    actor: pipeline?.spec.trigger?.actor ?? "",
    event_name: pipeline?.spec.trigger?.event ?? "manual",
    run_id: job.spec.pipeline,
    workflow: pipeline?.spec.workflowName ?? pipeline?.spec.workflow ?? "",
  };
  const contexts = { github, krate: github, needs: needsContext, matrix: job.spec.matrix ?? {} };
  try {
    return { run: evaluateCondition(job.spec.if, { contexts, outcome: outcomeOf(needs) }) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
