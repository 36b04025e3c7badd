/** A Pod → the status of its Job. Pure. */
import { type ConditionInput, isFalse, isTrue, isUnknown, type PodType } from "@krate/kinds";
import { type JobResult, parseResult } from "@krate/workflow";
import type { JobObject } from "./render-job.ts";
import { audienceOf, containerName } from "./render-pod.ts";

type Status = NonNullable<JobObject["status"]>;
type Hint = NonNullable<Status["hints"]>[number];

export interface Observation {
  status: Partial<Status>;
  conditions: ConditionInput[];
}

const containerOf = (pod: PodType) => pod.status?.containerStatuses?.find(({ name }) => name === containerName);

function base(job: JobObject, pod: PodType): Partial<Status> {
  const { spec } = job;
  const trusted = spec.trustTier === "trusted";
  return {
    pod: {
      namespace: pod.metadata?.namespace ?? "",
      name: pod.metadata?.name ?? "",
      ...(pod.metadata?.uid && { uid: pod.metadata.uid }),
      ...(pod.spec?.nodeName && { node: pod.spec.nodeName }),
    },
    isolation: { secrets: trusted, clusterApi: false },
    serviceAccountScope: { repository: spec.repository ?? "", ref: spec.ref ?? "", pipeline: spec.pipeline },
    token: { audience: audienceOf(job), expirationSeconds: 3600 },
  };
}

/** A Pod that is not over yet. */
export function observeRunning(job: JobObject, pod: PodType): Observation {
  const startedAt = (containerOf(pod)?.state?.running?.startedAt as string | undefined) ?? job.status?.startedAt;
  const waiting = containerOf(pod)?.state?.waiting;
  const hints: Hint[] = /ImagePull|ErrImage/.test(waiting?.reason ?? "")
    ? [{ reason: "ImagePullBackOff", message: waiting?.message ?? "" }]
    : [];
  return {
    status: {
      ...base(job, pod),
      phase: startedAt ? "Running" : "Starting",
      ...(startedAt && { startedAt }),
      ...(hints.length > 0 && { hints }),
      log: { live: true },
    },
    conditions: [isTrue("Scheduled", "PodCreated"), isUnknown("Completed", "Running")],
  };
}

const reasons: Record<JobResult["phase"], string> = {
  Succeeded: "Succeeded",
  Failed: "StepFailed",
  Cancelled: "Cancelled",
  TimedOut: "TimedOut",
};

/** Why there is no result, as far as the cluster tells. */
function missingResult(pod: PodType): { phase: "Failed" | "TimedOut"; reason: string; hint: Hint } {
  const terminated = containerOf(pod)?.state?.terminated;
  const said = terminated?.message ?? pod.status?.message ?? "";
  if (pod.status?.reason === "DeadlineExceeded" || terminated?.reason === "DeadlineExceeded") {
    return {
      phase: "TimedOut",
      reason: "TimedOut",
      hint: { reason: "DeadlineExceeded", message: "the Pod ran longer than the job may" },
    };
  }
  if (terminated?.reason === "OOMKilled") {
    return {
      phase: "Failed",
      reason: "ResultMissing",
      hint: { reason: "OOMKilled", message: "the Pod needed more memory than its limit" },
    };
  }
  if (pod.status?.reason === "Evicted" || terminated?.reason === "Lost") {
    return {
      phase: "Failed",
      reason: "Evicted",
      hint: { reason: "Evicted", message: said || "the node lost the Pod" },
    };
  }
  const message = `the runner ended with ${terminated?.exitCode ?? "no exit code"} and left no result${said ? `: ${said}` : ""}`;
  return { phase: "Failed", reason: "ResultMissing", hint: { reason: "ResultMissing", message } };
}

/** A Pod that is over. A missing result is a failure, never a success (design D11). `log` is what was stored of it. */
export function observeOver(
  job: JobObject,
  pod: PodType,
  log: { bytes: number; digest: string } | undefined,
  now: string,
): Observation {
  const terminated = containerOf(pod)?.state?.terminated;
  const result = parseResult(terminated?.message);
  const missing = result ? undefined : missingResult(pod);
  // A cancelled run that could not finish its report was still cancelled.
  const phase = result?.phase ?? (pod.metadata?.deletionTimestamp ? "Cancelled" : (missing?.phase ?? "Failed"));
  const message = result?.message ?? missing?.hint.message;
  const steps = (job.spec.steps ?? []).map((step) => {
    const done = result?.steps.find(({ number }) => number === step.number);
    return {
      name: step.name,
      number: step.number,
      phase: done?.phase ?? ("Skipped" as const),
      ...(done && timesOf(done)),
    };
  });
  const failedStep = steps.find((step) => step.phase === "Failed" || step.phase === "TimedOut");
  const failed = phase === "Failed" || phase === "TimedOut";
  return {
    status: {
      ...base(job, pod),
      phase,
      exitCode: result?.exitCode ?? terminated?.exitCode ?? 1,
      ...(message !== undefined && { message: message.slice(0, 4096) }),
      startedAt: (terminated?.startedAt as string | undefined) ?? job.status?.startedAt ?? now,
      completedAt: (terminated?.finishedAt as string | undefined) ?? now,
      steps,
      outputs: result?.outputs ?? {},
      log: { live: false, ...log },
      ...(failed && {
        failureSignature: [job.spec.job, failedStep?.name ?? missing?.hint.reason].filter(Boolean).join(":"),
      }),
      ...(missing && phase !== "Cancelled" && { hints: [missing.hint] }),
    },
    conditions: [
      isTrue("Scheduled", "PodCreated"),
      log ? isTrue("LogStored", "Stored") : isFalse("LogStored", "PodGone"),
      phase === "Succeeded"
        ? isTrue("Completed", "Succeeded")
        : isFalse(
            "Completed",
            phase === "Cancelled" ? "Cancelled" : result ? reasons[phase] : (missing?.reason ?? "ResultMissing"),
            message ?? "",
          ),
    ],
  };
}

function timesOf({ exitCode, startedAt, completedAt }: JobResult["steps"][number]) {
  return {
    ...(exitCode !== undefined && { exitCode }),
    ...(startedAt && { startedAt }),
    ...(completedAt && { completedAt }),
  };
}
