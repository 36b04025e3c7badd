/** The Node object and its heartbeat. Source: pkg/kubelet/nodestatus/setters.go, component-helpers/apimachinery/lease. */
import { arch, availableParallelism, release, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { isReason, Lease, Node, type NodeType } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import { bootId } from "./pods/proc.ts";
import { processNodeLabel } from "./pods/reconcile-pod.ts";
import { kubernetesTime } from "./pods/record.ts";

const heartbeatMilliseconds = 10_000;
const leaseDurationSeconds = 40;
const leaseNamespace = "kube-node-lease";

export interface NodeDescription {
  name: string;
  host: string;
  port: number;
  maxPods: number;
  /** Of the Node as last seen: people may add some. */
  labels: Readonly<Record<string, string>>;
}

/** Where there is a scheduler it must not put Pods of images here; Pods for this node are bound by the node itself. */
const taint = { key: processNodeLabel, value: "true", effect: "NoSchedule" };

/** Labels every process node has. */
export function nodeLabels(name: string): Record<string, string> {
  return {
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture(),
    [processNodeLabel]: "true",
  };
}

/** As Go names it. */
function architecture(): string {
  return arch() === "x64" ? "amd64" : arch();
}

export function nodeStatus(node: NodeDescription, now: string): NonNullable<NodeType["status"]> {
  const amount = {
    pods: String(node.maxPods),
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
  };
  const ready = { type: "Ready", status: "True", reason: "ProcessNodeReady", message: "runs Pods as processes" };
  return {
    addresses: [
      { type: "InternalIP", address: node.host },
      { type: "Hostname", address: node.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: node.port } },
    capacity: amount,
    allocatable: amount,
    conditions: [{ ...ready, lastHeartbeatTime: now, lastTransitionTime: now }],
    nodeInfo: {
      architecture: architecture(),
      bootID: bootId(),
      containerRuntimeVersion: "process://1",
      kernelVersion: release(),
      kubeProxyVersion: "",
      kubeletVersion: "krate-process-node",
      machineID: "",
      operatingSystem: "linux",
      osImage: "the host's",
      systemUUID: "",
    },
  };
}

/** Creates the Node, or takes over the one of an earlier run. */
export async function registerNode(client: KubeClient, node: NodeDescription): Promise<void> {
  const labels = nodeLabels(node.name);
  try {
    await client.create(Node, { metadata: { name: node.name, labels }, spec: { taints: [taint] } });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
    await client.patch(Node, { name: node.name }, { metadata: { labels } }, { type: "merge" });
  }
  await writeStatus(client, node);
}

async function writeStatus(client: KubeClient, node: NodeDescription): Promise<void> {
  const found = await client.get(Node, { name: node.name });
  node.labels = found.metadata?.labels ?? {};
  const status = nodeStatus(node, kubernetesTime(new Date()));
  const before = found.status?.conditions?.find(({ type }) => type === "Ready");
  const [ready] = status.conditions ?? [];
  if (ready && before?.status === "True" && before.lastTransitionTime)
    ready.lastTransitionTime = before.lastTransitionTime;
  await client.patch(Node, { name: node.name }, { status }, { type: "merge", subresource: "status" });
}

async function renewLease(client: KubeClient, name: string): Promise<void> {
  const key = { namespace: leaseNamespace, name };
  const spec = {
    holderIdentity: name,
    leaseDurationSeconds,
    renewTime: new Date().toISOString().replace("Z", "000Z"),
  };
  if (await client.find(Lease, key)) await client.patch(Lease, key, { spec }, { type: "merge" });
  else await client.create(Lease, { metadata: key, spec });
}

/** Says every 10 s that the node lives, until `signal` aborts. A Node that somebody deleted is registered again. */
export async function heartbeat(
  client: KubeClient,
  node: NodeDescription,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  let leaseMissingTold = false;
  while (!signal.aborted) {
    try {
      await writeStatus(client, node);
    } catch (error) {
      if (isReason(error, "NotFound")) await registerNode(client, node).catch((err) => log.warn({ err }, "no Node"));
      else log.warn({ err: error }, "the Node's status could not be written");
    }
    try {
      await renewLease(client, node.name);
    } catch (error) {
      if (!isReason(error, "NotFound")) log.warn({ err: error }, "the Node's lease could not be renewed");
      else if (!leaseMissingTold) log.info(`there is no namespace ${leaseNamespace}: no lease`);
      leaseMissingTold ||= isReason(error, "NotFound");
    }
    await sleep(heartbeatMilliseconds, undefined, { signal }).catch(() => undefined);
  }
}
