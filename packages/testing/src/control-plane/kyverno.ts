import { mkdir, readdir, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { basename, join, resolve } from "node:path";
import { eventually } from "../eventually.ts";
import { freePort } from "../free-port.ts";
import { binaryPath, missingPrograms, programFiles, programVersion } from "./binaries.ts";
import { startChild } from "./child.ts";
import { startGuard } from "./guard.ts";
import { type Kubectl, kubectlFor } from "./kubectl.ts";
import { kyvernoManifests, kyvernoNames } from "./kyverno-manifests.ts";

export interface KyvernoOptions {
  /** How to reach the API server, as somebody who may do everything. */
  kubeconfig: string;
  /** @defaultValue the kubeconfig's current one */
  context?: string;
  /** For its kubeconfig and log; made when it does not exist. */
  dataFolder: string;
  /** Port of its webhooks on loopback. @defaultValue one that is free now */
  port?: number;
  /** @defaultValue 120 s */
  startTimeoutSeconds?: number;
}

export interface Kyverno extends AsyncDisposable {
  version: string;
  pid: number;
  /** Base of the webhooks it registers. */
  url: string;
  logFile: string;
  /** Rejects when it ends by itself. */
  failure: Promise<never>;
  /** Ends it. Its definitions, policies and webhook configurations stay, as they do in any cluster. */
  stop(): Promise<void>;
}

/**
 * Installs Kyverno's custom resource definitions into a cluster, runs its admission controller beside it, and resolves
 * when policies can be applied. Any API server will do: nothing of it runs inside the cluster, its webhooks are reached at
 * a URL on loopback. It ends with this process, however that ends. Nothing is built here.
 *
 * @throws Error that names what is not built, or holds the end of Kyverno's log.
 */
export async function startKyverno(options: KyvernoOptions): Promise<Kyverno> {
  if (missingPrograms(["kyverno"]).length > 0)
    throw new Error("cannot start Kyverno: it is not built: run hack/control-plane build kyverno");
  const dataFolder = resolve(options.dataFolder);
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const kubeconfig = await kubeconfigOf(options, dataFolder);
  const kubectl = kubectlFor(kubeconfig);
  await install(kubectl);
  return run(kubectl, { ...options, dataFolder, kubeconfig, port: options.port ?? (await freePort()) });
}

/** Kyverno knows only a kubeconfig's current context: this one has no other. */
async function kubeconfigOf({ kubeconfig, context }: KyvernoOptions, dataFolder: string): Promise<string> {
  const file = join(dataFolder, "kubeconfig");
  const which = context === undefined ? [] : [`--context=${context}`];
  const text = await kubectlFor(kubeconfig)(["config", "view", "--raw", "--minify", "--flatten", ...which]);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

/**
 * Definitions that are there already stay as they are. kubectl asks five times a second, so one question for all of them
 * makes the start seconds faster than `apply` and `wait` of each.
 */
async function install(kubectl: Kubectl): Promise<void> {
  const folder = programFiles("kyverno");
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".yaml"));
  const missing = async () => {
    const served = new Set((await kubectl(["api-resources", "-o", "name"])).split("\n"));
    return files.filter((file) => !served.has(resourceOf(file)));
  };
  const created = (await missing()).flatMap((file) => ["-f", join(folder, file)]);
  // The server checks them; kubectl would do so too, which takes seconds for megabytes of schemas.
  if (created.length > 0) await kubectl(["create", "--validate=false", ...created]);
  await eventually(async () => (await missing()).length === 0, {
    timeoutSeconds: 60,
    intervalMilliseconds: 200,
    description: "Kyverno's kinds being served",
  });
  const rest = JSON.stringify({ apiVersion: "v1", kind: "List", items: kyvernoManifests });
  await kubectl(["apply", "--server-side", "--force-conflicts", "--field-manager=kyverno-install", "-f", "-"], rest);
}

/** Its generator names files `<group>_<plural>.yaml`. */
function resourceOf(file: string): string {
  const [group, plural] = basename(file, ".yaml").split("_");
  return `${plural}.${group}`;
}

interface Running extends KyvernoOptions {
  port: number;
}

async function run(kubectl: Kubectl, options: Running): Promise<Kyverno> {
  const { dataFolder, port } = options;
  const guard = startGuard();
  const logFile = join(dataFolder, "kyverno.log");
  const child = startChild(guard, "kyverno", binaryPath("kyverno"), kyvernoArguments(options), logFile, {
    ...process.env,
    ...kyvernoEnvironment(),
  });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= child.stop(5).then(() => guard.close()));
  try {
    await Promise.race([untilReady(kubectl, options), child.failure]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    version: programVersion("kyverno"),
    pid: child.pid,
    url: `https://127.0.0.1:${port}`,
    logFile,
    failure: child.failure,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Flags of the admission controller: what its Helm chart says, less reports and metrics, and nothing listens beyond loopback. */
function kyvernoArguments({ kubeconfig, port }: Running): string[] {
  const { namespace, service } = kyvernoNames;
  return [
    `--kubeconfig=${kubeconfig}`,
    `--serverIP=127.0.0.1:${port}`, // webhooks are registered with this URL instead of a Service
    "--webhookServerHost=127.0.0.1",
    `--webhookServerPort=${port}`,
    `--caSecretName=${service}.${namespace}.svc.kyverno-tls-ca`,
    `--tlsSecretName=${service}.${namespace}.svc.kyverno-tls-pair`,
    "--tlsKeyAlgorithm=ECDSA",
    "--crdWatcher=true", // else a kind defined after its start is unknown to it for fifteen minutes
    "--leaderElectionRetryPeriod=1s", // after a kill the next one leads at once
    "--disableMetrics=true",
    "--controllerRuntimeMetricsAddress=0",
    "--admissionReports=false",
    "--enableReporting=",
    "--autoMemLimitEnabled=false",
    "--disableLogColor",
    "--v=2",
  ];
}

function kyvernoEnvironment(): NodeJS.ProcessEnv {
  const { namespace, serviceAccount, deployment, service, configuration, metricsConfiguration } = kyvernoNames;
  return {
    KYVERNO_NAMESPACE: namespace,
    KYVERNO_SERVICEACCOUNT_NAME: serviceAccount,
    KYVERNO_DEPLOYMENT: deployment,
    KYVERNO_POD_NAME: deployment,
    KYVERNO_SVC: service,
    INIT_CONFIG: configuration,
    METRICS_CONFIG: metricsConfiguration,
  };
}

/** Its webhook server answers, it leads, and policies that are applied now are seen by it first. */
async function untilReady(kubectl: Kubectl, { port, startTimeoutSeconds = 120 }: Running): Promise<void> {
  const limit = { timeoutSeconds: startTimeoutSeconds, intervalMilliseconds: 200 };
  await eventually(() => isHealthy(port), { ...limit, description: "Kyverno's webhook server" });
  const registered = async () => {
    const kind = "validatingwebhookconfiguration.admissionregistration.k8s.io";
    const jsonpath = "-o=jsonpath={.webhooks[*].clientConfig.url}";
    const urls = await kubectl(["get", kind, "kyverno-policy-validating-webhook-cfg", jsonpath]);
    return urls.includes(`127.0.0.1:${port}/`);
  };
  await eventually(registered, {
    ...limit,
    intervalMilliseconds: 200,
    description: "Kyverno's webhook configurations",
  });
}

/** The certificate is Kyverno's own and is not what is asked here: API servers check it against the one it registers. */
function isHealthy(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const url = `https://127.0.0.1:${port}/health/readiness`;
    const call = request(url, { rejectUnauthorized: false, agent: false, timeout: 5000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    call.once("timeout", () => call.destroy());
    call.once("error", () => resolve(false));
    call.end();
  });
}
