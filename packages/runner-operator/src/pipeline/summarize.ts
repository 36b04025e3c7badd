/** Jobs → the status of their Pipeline. Pure. */
import { type ConditionInput, finishedJobPhases, isFalse, isTrue, isUnknown } from "@krate/kinds";
import type { JobObject } from "../job/render-job.ts";
import type { PipelineObject } from "./render-pipeline.ts";

type Status = NonNullable<PipelineObject["status"]>;

export interface Summary {
  status: Partial<Status>;
  conditions: ConditionInput[];
}

const finished = new Set<string>(finishedJobPhases);
const isFinished = (job: JobObject) => finished.has(job.status?.phase ?? "");

const times = (jobs: readonly JobObject[], field: "startedAt" | "completedAt") =>
  jobs.flatMap(({ status }) => status?.[field] ?? []).toSorted();

const seconds = (from: string, to: string) => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

type Outcome = { phase: "Succeeded" | "Failed" | "Cancelled"; conclusion: NonNullable<Status["conclusion"]> };

/** Failed jobs fail the run unless they may; then a timeout or a cancellation decides. */
function outcomeOf(pipeline: PipelineObject, jobs: readonly JobObject[]): Outcome {
  const counted = jobs.filter(({ spec }) => !spec.continueOnError).map(({ status }) => status?.phase);
  if (counted.includes("Failed")) return { phase: "Failed", conclusion: "failure" };
  if (counted.includes("TimedOut")) return { phase: "Failed", conclusion: "timed-out" };
  if (counted.includes("Cancelled") || pipeline.spec.cancelRequested)
    return { phase: "Cancelled", conclusion: "cancelled" };
  return { phase: "Succeeded", conclusion: counted.every((phase) => phase === "Skipped") ? "skipped" : "success" };
}

/** `jobs` are all jobs of the run, in any order; their number never changes once they exist. */
export function summarize(pipeline: PipelineObject, jobs: readonly JobObject[], now: string): Summary {
  const ordered = jobs.toSorted((a, b) => (a.spec.index ?? 0) - (b.spec.index ?? 0));
  const [startedAt] = times(ordered, "startedAt");
  const listed = ordered.map(({ metadata, spec, status }) => ({
    id: spec.job,
    name: metadata.name ?? "",
    ...(spec.displayName && { displayName: spec.displayName }),
    phase: status?.phase ?? "Pending",
    ...(status?.startedAt && { startedAt: status.startedAt }),
    ...(status?.completedAt && { completedAt: status.completedAt }),
  }));
  const queuedAt = pipeline.status?.queuedAt;
  const running: Partial<Status> = {
    jobs: listed,
    ...(startedAt && { startedAt }),
    ...(startedAt && queuedAt && { waitSeconds: seconds(queuedAt, startedAt) }),
  };
  if (!ordered.every(isFinished)) {
    const phase = startedAt ? ("Running" as const) : ("Queued" as const);
    return { status: { ...running, phase }, conditions: [isUnknown("Completed", "Running")] };
  }
  const outcome = outcomeOf(pipeline, ordered);
  const completedAt = times(ordered, "completedAt").at(-1) ?? now;
  const failed = ordered.find(({ status }) => status?.phase === "Failed" || status?.phase === "TimedOut");
  return {
    status: {
      ...running,
      ...outcome,
      completedAt,
      ...(startedAt && { durationSeconds: seconds(startedAt, completedAt) }),
      ...(outcome.phase === "Failed" && failed && { failure: failureOf(failed) }),
    },
    conditions: [
      outcome.phase === "Succeeded"
        ? isTrue("Completed", "Succeeded")
        : isFalse("Completed", outcome.phase, failed?.status?.message ?? ""),
    ],
  };
}

function failureOf({ spec, status }: JobObject): NonNullable<Status["failure"]> {
  const step = status?.steps?.find(({ phase }) => phase === "Failed" || phase === "TimedOut");
  return {
    signature: status?.failureSignature ?? spec.job,
    job: spec.job,
    ...(step && { step: step.name }),
    ...(status?.message && { message: status.message }),
  };
}
