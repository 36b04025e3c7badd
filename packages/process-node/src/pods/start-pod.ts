/** From a Pod to its process: folder, tokens, environment, start. */
import { join } from "node:path";
import { ConfigMap, type PodType, Secret } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import {
  type Container,
  ContainerConfigError,
  commandOf,
  containerEnvironment,
  type KeyReader,
} from "./environment.ts";
import { makePodFolder, type Owner, type PodFolder } from "./pod-folder.ts";
import type { PodProcesses } from "./processes.ts";
import type { ProcessRecord } from "./record.ts";
import { mainToken, type PodTokens, tokenSources } from "./tokens.ts";

export interface Starter {
  client: KubeClient;
  processes: PodProcesses;
  tokens: PodTokens;
  owner: Owner | undefined;
  /** First on the PATH of containers. */
  binFolders: readonly string[];
}

const systemPath = "/usr/local/bin:/usr/bin:/bin";

/** Starts the first container. A Pod that can never start is recorded as failed; errors of the API server are thrown. */
export async function startPod(pod: PodType, starter: Starter): Promise<ProcessRecord> {
  const { processes, tokens, client, owner } = starter;
  const { uid = "", namespace = "", name = "" } = pod.metadata ?? {};
  const container = pod.spec?.containers[0];
  const identity = { uid, namespace, name, container: container?.name ?? "" };
  const folder = processes.folder(uid);
  // Somebody started it and its record is gone: a job must not run twice.
  if (pod.status?.startTime) return processes.fail(identity, "Lost", "the node has lost what it knew about this Pod");
  try {
    if (!container || pod.spec?.containers.length !== 1 || pod.spec.initContainers?.length)
      throw new ContainerConfigError("a process node runs Pods of exactly one container and no init containers");
    const sources = tokenSources(pod);
    const tokenVolumes = new Set(sources.map(({ volume }) => volume));
    const volumes = (pod.spec.volumes ?? []).map(({ name: volume }) => volume);
    makePodFolder(
      folder,
      { own: volumes.filter((volume) => !tokenVolumes.has(volume)), given: [...tokenVolumes] },
      owner,
    );
    const variables = containerEnvironment(pod, container, await keyReader(client, namespace, container));
    const command = commandOf(container, variables);
    await tokens.keep(pod, folder.volumes);
    const env = processEnvironment(variables, folder, starter.binFolders, mainToken(sources));
    return processes.start({ ...identity, command, env });
  } catch (error) {
    if (error instanceof ContainerConfigError) return processes.fail(identity, "ContainerCannotRun", error.message);
    throw error;
  }
}

/** Nothing of the node's own environment. What only the node knows wins over what the Pod says. */
function processEnvironment(
  variables: Readonly<Record<string, string>>,
  folder: PodFolder,
  binFolders: readonly string[],
  token: { volume: string; path: string } | undefined,
): Record<string, string> {
  return {
    HOME: folder.home,
    TMPDIR: folder.tmp,
    ...variables,
    PATH: [...binFolders, variables["PATH"] || systemPath].join(":"),
    KRATE_WORKSPACE: folder.workspace,
    KRATE_TERMINATION_LOG: folder.result,
    ...(token && { KRATE_TOKEN_FILE: join(folder.volumes, token.volume, token.path) }),
  };
}

/** Reads the ConfigMaps and Secrets a container refers to, and no others. */
async function keyReader(client: KubeClient, namespace: string, container: Container): Promise<KeyReader> {
  const values = new Map<string, Record<string, string>>();
  for (const { valueFrom } of container.env ?? []) {
    const secret = valueFrom?.secretKeyRef?.name;
    const configMap = valueFrom?.configMapKeyRef?.name;
    if (secret) values.set(`secret/${secret}`, await readSecret(client, namespace, secret));
    if (configMap) values.set(`configMap/${configMap}`, await readConfigMap(client, namespace, configMap));
  }
  return (source, name, key) => values.get(`${source}/${name}`)?.[key];
}

async function readSecret(client: KubeClient, namespace: string, name: string): Promise<Record<string, string>> {
  const secret = await client.find(Secret, { namespace, name });
  const decoded = (value: string) => Buffer.from(value, "base64").toString("utf8");
  return Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decoded(value)]));
}

async function readConfigMap(client: KubeClient, namespace: string, name: string): Promise<Record<string, string>> {
  return (await client.find(ConfigMap, { namespace, name }))?.data ?? {};
}
