/** The node: logs are served, then the Node is registered, then Pods are run until a signal. Pods outlive all of that. */
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defineTrigger, runProgram } from "@krate/controller";
import { Pod, type PodType } from "@krate/kinds";
import { type Informer, kubeClient, loadKubeConfig } from "@krate/kube";
import { createLogger } from "@krate/telemetry";
import type { NodeConfig } from "./config.ts";
import { containerUser } from "./container-user.ts";
import { startKubelet } from "./kubelet/server.ts";
import { heartbeat, nodeLabels, registerNode } from "./node-object.ts";
import { PodProcesses } from "./pods/processes.ts";
import { podController } from "./pods/reconcile-pod.ts";
import { PodTokens } from "./pods/tokens.ts";
import { runnerCommand, writeRunnerScript } from "./runner-script.ts";

const name = "process-node";
const sweepMilliseconds = 10_000;

export async function runNode(config: NodeConfig): Promise<void> {
  const log = createLogger({ component: name, level: config.logLevel });
  const client = kubeClient(await loadKubeConfig(config.kubeconfig), {
    userAgent: `krate-${name}`,
    fieldManager: name,
  });
  mkdirSync(config.root, { recursive: true, mode: 0o711 });
  // Containers that run as somebody else must get through it; what is inside has modes of its own.
  if ((statSync(config.root).mode & 0o011) !== 0o011) chmodSync(config.root, 0o711);
  const runner = runnerCommand(fileURLToPath(new URL("../..", import.meta.url)), config.runnerEntry);
  const bin = join(config.root, "bin");
  writeRunnerScript(bin, runner);
  const owner = containerUser(config.root, [runner.node, runner.entry]);
  if (process.getuid?.() === 0 && !owner)
    log.warn({ root: config.root }, "containers run as root: nobody cannot reach the node's folder or the runner");

  const ended = defineTrigger();
  const processes = new PodProcesses(config.root, owner, ({ namespace, name: pod, end }) => {
    log.info({ namespace, pod, exitCode: end?.exitCode, reason: end?.reason }, "a process ended");
    ended.enqueue({ namespace, name: pod });
  });
  processes.open();
  const tokens = new PodTokens(client, owner, (err, { metadata }) =>
    log.warn({ err, namespace: metadata?.namespace, pod: metadata?.name }, "a token could not be renewed; tried again"),
  );
  const kubelet = await startKubelet({ address: config.address, tls: config.tls, processes, log });
  const description = {
    name: config.nodeName,
    host: config.address.host,
    port: kubelet.port,
    maxPods: config.maxPods,
    labels: nodeLabels(config.nodeName),
  };
  await untilDone(
    () => registerNode(client, description),
    (err) => log.warn({ err }, "the Node could not be registered"),
  );
  log.info(description, "registered");

  let pods: Informer<PodType> | undefined;
  const sweep = async () => {
    if (!pods?.hasSynced) return;
    const present = new Set(pods.list().map(({ metadata }) => metadata?.uid));
    for (const uid of processes.folders().filter((folder) => !present.has(folder))) {
      tokens.drop(uid);
      await processes.remove(uid).catch((err: unknown) => log.warn({ err, uid }, "a Pod could not be cleaned up"));
    }
  };
  const node = {
    client,
    processes,
    tokens,
    owner,
    binFolders: [bin, ...(config.binFolder ? [config.binFolder] : [])],
    name: config.nodeName,
    host: config.address.host,
    maxPods: config.maxPods,
    labels: () => description.labels,
    ended,
    forgotten: () => void sweep(),
  };
  await runProgram({
    name,
    config,
    client,
    log,
    controllers: [podController(node)],
    setup: (context) => {
      pods = context.informer(Pod);
      return undefined;
    },
    tasks: [
      (_context, signal) => heartbeat(client, description, log, signal),
      async (_context, signal) => {
        while (!signal.aborted) {
          await sweep();
          await sleep(sweepMilliseconds, undefined, { signal }).catch(() => undefined);
        }
      },
    ],
  });
  kubelet.close();
  tokens.close();
  processes.close();
}

async function untilDone(attempt: () => Promise<void>, onProblem: (error: unknown) => void): Promise<void> {
  for (let milliseconds = 200; ; milliseconds = Math.min(5000, milliseconds * 2)) {
    try {
      return await attempt();
    } catch (error) {
      onProblem(error);
      await sleep(milliseconds);
    }
  }
}
