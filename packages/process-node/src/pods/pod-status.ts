/** The status of a Pod as its process is. Pure. Source: pkg/kubelet/kubelet_pods.go:generateAPIPodStatus. */
import type { PodType } from "@krate/kinds";
import type { ProcessRecord } from "./record.ts";

type PodStatus = NonNullable<PodType["status"]>;
type PodCondition = NonNullable<PodStatus["conditions"]>[number];
type ContainerState = NonNullable<NonNullable<PodStatus["containerStatuses"]>[number]["state"]>;

const readiness = new Set(["Ready", "ContainersReady"]);

/** `now` (RFC 3339) becomes the transition time of conditions that change. */
export function podStatus(pod: PodType, record: ProcessRecord, host: string, now: string): PodStatus {
  const { end } = record;
  const phase = end === undefined ? "Running" : end.reason === "Completed" ? "Succeeded" : "Failed";
  const container = pod.spec?.containers[0];
  const containerID = `process://${record.uid}/${record.pid ?? 0}`;
  return {
    phase,
    ...(end?.reason === "DeadlineExceeded" && {
      reason: end.reason,
      message: "Pod was active on the node longer than the specified deadline",
    }),
    conditions: conditions(pod, phase, now),
    hostIP: host,
    podIP: host,
    podIPs: [{ ip: host }],
    startTime: pod.status?.startTime ?? record.startedAt,
    containerStatuses: [
      {
        name: record.container,
        image: container?.image ?? "",
        imageID: "",
        containerID,
        restartCount: 0,
        ready: end === undefined,
        started: end === undefined,
        state: stateOf(record, containerID),
      },
    ],
  };
}

function stateOf({ end, startedAt, stop }: ProcessRecord, containerID: string): ContainerState {
  if (!end) return { running: { startedAt } };
  const { exitCode, reason, message, finishedAt } = end;
  const signal = stop ? signalOf(exitCode) : undefined;
  const terminated = { exitCode, reason, ...(message && { message }), startedAt, finishedAt, containerID };
  return { terminated: { ...terminated, ...(signal && { signal }) } };
}

/** A shell tells the signal that ended a command as 128 + its number. */
function signalOf(exitCode: number): number | undefined {
  return exitCode === 137 || exitCode === 143 ? exitCode - 128 : undefined;
}

function conditions(pod: PodType, phase: string, now: string): PodCondition[] {
  const known = pod.status?.conditions ?? [];
  const condition = (type: string): PodCondition => {
    const status = phase === "Running" || !readiness.has(type) ? "True" : "False";
    const reason = status === "True" ? undefined : phase === "Succeeded" ? "PodCompleted" : "PodFailed";
    const before = known.find((one) => one.type === type);
    const lastTransitionTime = (before?.status === status && before.lastTransitionTime) || now;
    return { type, status, lastTransitionTime, ...(reason && { reason }) };
  };
  const ours = ["Initialized", "Ready", "ContainersReady", "PodScheduled"];
  return [...known.filter(({ type }) => !ours.includes(type)), ...ours.map(condition)];
}
