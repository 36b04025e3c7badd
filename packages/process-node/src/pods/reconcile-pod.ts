/**
 * One Pod: bind it, run it, tell how it is, end it.
 *
 *   Pending, no node ──bind──► Pending, ours ──start──► Running ──process ends──► Succeeded | Failed
 *   deletionTimestamp: stop ──process ended──► status, then deletion without grace; finalizers of others keep the object
 */
import { defineController, type defineTrigger, equalJson, type ReconcileResult } from "@krate/controller";
import { isReason, Pod, type PodType } from "@krate/kinds";
import type { EventRecorder, KubeClient } from "@krate/kube";
import { podStatus } from "./pod-status.ts";
import { kubernetesTime, type ProcessRecord } from "./record.ts";
import { type Starter, startPod } from "./start-pod.ts";

export const processNodeLabel = "krate.a5c.ai/process-node";
const defaultGraceSeconds = 30;
const fullRetrySeconds = 2;
/** Labels of the Node may change. */
const mismatchRetrySeconds = 10;

export interface PodNode extends Starter {
  name: string;
  host: string;
  maxPods: number;
  /** Labels of the Node, as last seen. */
  labels(): Readonly<Record<string, string>>;
  /** Woken when a process ends. */
  ended: ReturnType<typeof defineTrigger>;
  /** A Pod of this node is no more. */
  forgotten: () => void;
}

export function podController(node: PodNode) {
  return defineController({
    name: "process-node",
    for: Pod,
    concurrency: 8,
    triggers: [node.ended],
    predicate: (pod) => (pod.spec?.nodeName ? pod.spec.nodeName === node.name : wantsProcessNode(pod)),
    forgotten: () => node.forgotten(),
    async reconcile(pod, { client, events, lister, now }) {
      if (!pod.spec?.nodeName) return wantsProcessNode(pod) ? bind(pod, client, node, lister(Pod).list()) : {};
      if (pod.spec.nodeName !== node.name || isOver(pod)) return {};
      return run(pod, { client, events }, node, now());
    },
    async finalize(pod, { client, events, now }) {
      if (pod.spec?.nodeName === node.name) await end(pod, { client, events }, node, now());
    },
  });
}

/** A Pod says itself that it is meant for a process node: any other needs a real kubelet. */
export function wantsProcessNode(pod: PodType): boolean {
  const { nodeSelector = {}, schedulingGates = [] } = (pod.spec ?? {}) as NonNullable<PodType["spec"]> & {
    schedulingGates?: object[];
  };
  const waits = schedulingGates.length === 0 && !pod.metadata?.deletionTimestamp && !isOver(pod);
  return waits && nodeSelector[processNodeLabel] === "true";
}

function matchesLabels(pod: PodType, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(pod.spec?.nodeSelector ?? {}).every(([name, value]) => labels[name] === value);
}

function isOver(pod: PodType): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Pods that were bound here a moment ago and that the informer does not show yet. */
const justBound = new Set<string>();

async function bind(pod: PodType, client: KubeClient, node: PodNode, all: PodType[]): Promise<ReconcileResult<never>> {
  const { namespace = "", name = "", uid = "" } = pod.metadata ?? {};
  if (!matchesLabels(pod, node.labels())) return { requeueAfterSeconds: mismatchRetrySeconds };
  const known = all.filter(({ spec }) => spec?.nodeName === node.name);
  for (const { metadata } of known) justBound.delete(metadata?.uid ?? "");
  const running = known.filter((one) => !isOver(one)).length;
  if (justBound.has(uid)) return {};
  if (running + justBound.size >= node.maxPods) return { requeueAfterSeconds: fullRetrySeconds };
  justBound.add(uid);
  try {
    await client.raw({
      method: "POST",
      path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`,
      body: {
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name, namespace, uid },
        target: { apiVersion: "v1", kind: "Node", name: node.name },
      },
    });
  } catch (error) {
    justBound.delete(uid);
    // Bound by somebody else, or gone: the informer tells.
    if (!isReason(error, "Conflict") && !isReason(error, "NotFound")) throw error;
  }
  return {};
}

async function run(
  pod: PodType,
  { client, events }: { client: KubeClient; events: EventRecorder },
  node: PodNode,
  now: Date,
): Promise<ReconcileResult<never>> {
  const uid = pod.metadata?.uid ?? "";
  const known = node.processes.get(uid);
  const record = known ?? (await startPod(pod, node));
  if (!known) announce(pod, record, events);
  // After a restart of the node the tokens of a Pod that still runs must be kept again.
  if (known && !known.end) await node.tokens.keep(pod, node.processes.folder(uid).volumes);
  const left = record.end ? undefined : secondsLeft(pod, record, now);
  if (left !== undefined && left <= 0)
    node.processes.stop(uid, "DeadlineExceeded", pod.spec?.terminationGracePeriodSeconds ?? defaultGraceSeconds);
  await tell(pod, client, node, record, now);
  return left !== undefined && left > 0 ? { requeueAfterSeconds: left } : {};
}

function announce(pod: PodType, { pid, container, end }: ProcessRecord, events: EventRecorder): void {
  if (end && end.reason !== "Completed") events.record(pod, "Warning", "Failed", `${container}: ${end.message}`);
  else events.record(pod, "Normal", "Started", `Started container ${container} as process ${pid}`);
}

function secondsLeft(pod: PodType, record: ProcessRecord, now: Date): number | undefined {
  const deadline = pod.spec?.activeDeadlineSeconds;
  if (deadline === undefined) return undefined;
  return deadline - (now.getTime() - Date.parse(pod.status?.startTime ?? record.startedAt)) / 1000;
}

async function tell(pod: PodType, client: KubeClient, node: PodNode, record: ProcessRecord, now: Date): Promise<void> {
  const { namespace, name = "", uid } = pod.metadata ?? {};
  if (record.end) node.tokens.drop(record.uid);
  const status = podStatus(pod, record, node.host, kubernetesTime(now));
  if (equalJson({ ...pod.status, ...status }, pod.status ?? {})) return;
  try {
    await client.patch(
      Pod,
      { namespace, name },
      { metadata: { uid }, status },
      { type: "merge", subresource: "status" },
    );
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

async function end(
  pod: PodType,
  { client, events }: { client: KubeClient; events: EventRecorder },
  node: PodNode,
  now: Date,
): Promise<void> {
  const { namespace, name = "", uid = "", deletionGracePeriodSeconds } = pod.metadata ?? {};
  const record = node.processes.get(uid);
  if (record) {
    if (!record.end && !record.stop) events.record(pod, "Normal", "Killing", `Stopping container ${record.container}`);
    node.processes.stop(uid, "Deleted", deletionGracePeriodSeconds ?? defaultGraceSeconds);
    if (!record.end) return; // `ended` wakes us
    if (!isOver(pod)) await tell(pod, client, node, record, now);
  }
  if (deletionGracePeriodSeconds === 0) return; // it is: finalizers of others keep the object
  try {
    await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    if (!isReason(error, "Conflict")) throw error; // another Pod of that name
  }
}
