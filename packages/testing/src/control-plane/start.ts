import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ensureUsers, writeKubeconfig } from "@krate/pki";
import { eventually } from "../eventually.ts";
import { freePorts } from "../free-port.ts";
import { writeWhole } from "../write-whole.ts";
import {
  apiServerArguments,
  auditPolicy,
  controllerManagerArguments,
  etcdArguments,
  type Layout,
} from "./arguments.ts";
import { binaryPath, missingPrograms, programVersion } from "./binaries.ts";
import { type Child, startChild } from "./child.ts";
import { type Credentials, prepareCredentials } from "./credentials.ts";
import { type Guard, startGuard } from "./guard.ts";
import { type Kyverno, startKyverno } from "./kyverno.ts";
import type { ProgramName } from "./programs.ts";
import { clientOf } from "./request.ts";
import { isRunning } from "./stop.ts";

export interface ControlPlaneOptions {
  /** Kept when given, so that a second start finds all objects again. @defaultValue a temporary folder, deleted by stop() */
  dataFolder?: string;
  /** @defaultValue ports that are free now */
  ports?: Partial<Layout["ports"]>;
  /** True for benchmarks: etcd writes as durably as in production. @defaultValue false */
  fsync?: boolean;
  /** Requests at level Metadata into `audit.log`. @defaultValue false */
  audit?: boolean;
  /** kube-controller-manager: garbage collection, namespace deletion, service accounts. @defaultValue true */
  controllerManager?: boolean;
  /** Further flags for kube-apiserver. @defaultValue none */
  apiServerArguments?: string[];
  /** Programs that work in the cluster, started once it is ready. @defaultValue none */
  with?: "kyverno"[];
  /** @defaultValue 60 s */
  startTimeoutSeconds?: number;
}

/** What `control-plane.json` in the data folder says: where everything is. All files are PEM, all paths absolute. */
export interface ControlPlaneInfo {
  version: string;
  url: string;
  /** Contexts kubernetes-admin (client certificate, current) and admin, alice, bob (tokens of `users.csv`). */
  kubeconfig: string;
  dataFolder: string;
  caFile: string;
  adminClientCert: string;
  adminClientKey: string;
  frontProxyCaFile: string;
  frontProxyClientCert: string;
  frontProxyClientKey: string;
  serviceAccountPublicKeyFile: string;
  ports: Layout["ports"];
  fsync: boolean;
  pids: Record<string, number>;
}

export interface ControlPlane extends AsyncDisposable {
  info: ControlPlaneInfo;
  /** Rejects when one of the programs ends by itself. */
  failure: Promise<never>;
  /** Ends all programs, in the order that lets each finish; deletes the data folder if it was a temporary one. */
  stop(): Promise<void>;
}

/** Name of the file in the data folder that describes a running control plane. */
export const infoFileName = "control-plane.json";

const needed: ProgramName[] = ["etcd", "kube-apiserver", "kube-controller-manager"];

/**
 * Starts etcd, kube-apiserver and kube-controller-manager on loopback and resolves when all three are at work. They end
 * with this process, however that ends. Nothing is built here.
 *
 * @throws Error that names what is not built, or holds the end of the log of the program that failed.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const missing = missingPrograms([...needed, ...(options.with ?? [])]);
  if (missing.length > 0)
    throw new Error(
      `cannot start a control plane: ${missing.join(", ")} not built: run hack/control-plane build ${missing.join(" ")}`,
    );
  const folder = options.dataFolder
    ? { path: resolve(options.dataFolder), temporary: false }
    : { path: await mkdtemp(join(tmpdir(), "krate-control-plane-")), temporary: true };
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  await refuseSecondStart(folder.path);
  try {
    return await startInFolder(folder, options);
  } catch (error) {
    if (folder.temporary) await rm(folder.path, { recursive: true, force: true });
    throw error;
  }
}

async function startInFolder(
  folder: { path: string; temporary: boolean },
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const layout = await planLayout(folder.path, options);
  const guard = startGuard();
  const children: Child[] = [];
  let kyverno: Kyverno | undefined;
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= Promise.resolve(kyverno?.stop()).then(() => stopAll(children, guard, folder)));
  const start = (name: ProgramName, args: string[]) => {
    const child = startChild(guard, name, binaryPath(name), args, join(folder.path, `${name}.log`));
    children.push(child);
    return child;
  };
  try {
    const timeoutSeconds = options.startTimeoutSeconds ?? 60;
    const info = await startPrograms(layout, { ...options, start, timeoutSeconds });
    if (options.with?.includes("kyverno")) {
      kyverno = await startKyverno({ kubeconfig: info.kubeconfig, dataFolder: join(folder.path, "kyverno") });
    }
    info.pids = pidsOf(children, kyverno);
    await writeWhole(join(folder.path, infoFileName), `${JSON.stringify(info, undefined, 2)}\n`);
    const failure = Promise.race([...children, ...(kyverno ? [kyverno] : [])].map((program) => program.failure));
    failure.catch(() => {});
    return { info, failure, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function pidsOf(children: readonly Child[], kyverno: Kyverno | undefined): Record<string, number> {
  const pids = Object.fromEntries([["owner", process.pid], ...children.map(({ name, pid }) => [name, pid] as const)]);
  return kyverno ? { ...pids, kyverno: kyverno.pid } : pids;
}

async function refuseSecondStart(dataFolder: string): Promise<void> {
  const file = join(dataFolder, infoFileName);
  if (!existsSync(file)) return;
  const info = await readControlPlane(file);
  if (!isRunning(info)) return;
  throw new Error(
    `${dataFolder} is in use by the control plane at ${info.url} (pid ${info.pids.owner}): stop it first`,
  );
}

async function stopAll(children: Child[], guard: Guard, folder: { path: string; temporary: boolean }): Promise<void> {
  for (const child of children.toReversed()) await child.stop(child.name === "etcd" ? 5 : 2);
  await guard.close();
  await rm(join(folder.path, infoFileName), { force: true });
  if (folder.temporary) await rm(folder.path, { recursive: true, force: true, maxRetries: 5 });
}

async function planLayout(dataFolder: string, options: ControlPlaneOptions): Promise<Layout> {
  const [apiServer, etcd, etcdPeer] = (await freePorts(3)) as [number, number, number];
  await writeFile(join(dataFolder, "audit-policy.json"), JSON.stringify(auditPolicy));
  const tokenFile = join(dataFolder, "users.csv");
  ensureUsers(tokenFile);
  return {
    dataFolder,
    tokenFile,
    ports: { apiServer, etcd, etcdPeer, ...options.ports },
    credentials: await prepareCredentials(dataFolder),
    fsync: options.fsync ?? false,
    audit: options.audit ?? false,
    apiServerArguments: options.apiServerArguments ?? [],
  };
}

interface Starter extends ControlPlaneOptions {
  start(name: ProgramName, args: string[]): Child;
  timeoutSeconds: number;
}

async function startPrograms(
  layout: Layout,
  { start, controllerManager = true, timeoutSeconds }: Starter,
): Promise<ControlPlaneInfo> {
  const { credentials, dataFolder, ports } = layout;
  const url = `https://127.0.0.1:${ports.apiServer}`;
  const { certFile: caFile } = credentials.ca;
  const request = await clientOf(url, caFile, credentials.admin);
  const answers = async (path: string) => (await request(path)).status === 200;

  const kubeconfig = join(dataFolder, "kubeconfig");
  const cluster = { server: url, caFile };
  const people = ensureUsers(layout.tokenFile).map(({ user, token }) => ({ name: user, user: { token } }));
  writeKubeconfig(kubeconfig, cluster, [{ name: "kubernetes-admin", user: credentials.admin }, ...people]);
  const etcd = start("etcd", etcdArguments(layout));
  const apiServer = start("kube-apiserver", apiServerArguments(layout)); // waits for etcd by itself
  const ready = eventually(() => answers("/readyz"), { timeoutSeconds, description: `${url}/readyz` });
  await Promise.race([ready, etcd.failure, apiServer.failure]);
  if (controllerManager) {
    const file = join(dataFolder, "controller-manager.kubeconfig");
    writeKubeconfig(file, cluster, [{ name: "kube-controller-manager", user: credentials.controllerManager }]);
    const manager = start("kube-controller-manager", controllerManagerArguments(layout, file));
    const path = "/api/v1/namespaces/default/serviceaccounts/default";
    const atWork = eventually(() => answers(path), { timeoutSeconds, description: "the default service account" });
    await Promise.race([atWork, manager.failure]);
  }
  return describeControlPlane(layout, { url, kubeconfig, credentials });
}

function describeControlPlane(
  layout: Layout,
  { url, kubeconfig, credentials }: { url: string; kubeconfig: string; credentials: Credentials },
): ControlPlaneInfo {
  return {
    version: programVersion("kube-apiserver"),
    url,
    kubeconfig,
    dataFolder: layout.dataFolder,
    caFile: credentials.ca.certFile,
    adminClientCert: credentials.admin.certFile,
    adminClientKey: credentials.admin.keyFile,
    frontProxyCaFile: credentials.frontProxyCa.certFile,
    frontProxyClientCert: credentials.frontProxyClient.certFile,
    frontProxyClientKey: credentials.frontProxyClient.keyFile,
    serviceAccountPublicKeyFile: credentials.serviceAccount.publicKeyFile,
    ports: layout.ports,
    fsync: layout.fsync,
    pids: {},
  };
}

/** Reads what a running control plane said about itself. */
export async function readControlPlane(file: string): Promise<ControlPlaneInfo> {
  return JSON.parse(await readFile(file, "utf8")) as ControlPlaneInfo;
}
