/** From a config to a server on its port: what `main.ts` runs and tests start in process. */

import { type KubeClient, kubeClient, loadKubeConfig } from "@krate/kube";
import { createLogger, type Logger, openLineFile } from "@krate/telemetry";
import { aggregated } from "./aggregated/aggregated.ts";
import { register } from "./aggregated/registration.ts";
import type { AuditOptions } from "./audit/auditor.ts";
import { parsePolicy } from "./audit/policy.ts";
import { CertificateVerifier } from "./auth/client-certificate.ts";
import { tokenUsers } from "./auth/token-file.ts";
import { type AuditSettings, type Config, type HistorySettings, readText } from "./config.ts";
import { listenForHealth } from "./http/health-listener.ts";
import { type Listener, listen } from "./http/listen.ts";
import { clientMetrics } from "./metrics/client-metrics.ts";
import { type ServerMetrics, serverMetrics } from "./observing.ts";
import type { ApiServer } from "./server.ts";
import { standalone } from "./standalone/standalone.ts";
import { createMemoryStore } from "./storage/memory/memory-store.ts";
import { storageMetrics } from "./storage/observer.ts";
import { defaultRetention, type Retention } from "./storage/postgres/compactor.ts";
import type { Store } from "./storage/store.ts";

export interface RunningServer {
  readonly server: ApiServer;
  readonly listener: Listener;
  stop(): Promise<void>;
}

/** @throws when a file cannot be read, the database not reached or the port not taken */
export async function run(
  config: Config,
  log: Logger = createLogger({ component: "apiserver" }),
): Promise<RunningServer> {
  const metrics = serverMetrics();
  const store = await openStore(config, log, metrics);
  const stopping = new AbortController();
  let listener: Listener | undefined;
  const serving = { cert: readText(config.tls.certFile), key: readText(config.tls.keyFile) };
  let clientCa = config.clientCaFile === undefined ? undefined : readText(config.clientCaFile);
  const tls = () => ({ ...serving, ...(clientCa !== undefined && { ca: clientCa }) });
  const client = config.mode === "aggregated" ? await clusterClient(config, metrics) : undefined;
  const audit = openAudit(config.audit, log, metrics);
  const parts = { store, log, metrics, audit, signal: stopping.signal, address: () => addressOf(listener) };
  const server =
    client === undefined
      ? await standaloneServer(config, parts)
      : await aggregated({
          store,
          client,
          log,
          metrics,
          audit,
          apiAudiences: config.apiAudiences,
          signal: stopping.signal,
          serverAddress: parts.address,
          retentionDays: config.retentionDays,
          onClientCas: (pem) => {
            clientCa = pem;
            listener?.setTls(tls());
          },
        });
  const open = await listen({ ...config.address, tls: tls(), onRequest: server.handle });
  listener = open;
  log.info({ address: addressOf(listener), mode: config.mode }, "serving");
  if (client !== undefined) await registerWith(client, config, open, log);
  const health =
    config.healthAddress === undefined ? undefined : await listenForHealth(server.services, config.healthAddress);
  return {
    server,
    listener: open,
    stop: async () => {
      stopping.abort();
      await health?.close();
      await open.close();
      await server.services.auditor.close();
      await audit.close();
      await client?.close();
      await store.close();
    },
  };
}

async function clusterClient(config: Config, { metrics }: ServerMetrics): Promise<KubeClient> {
  const cluster = await loadKubeConfig(config.kubeconfigFile);
  const onAnswer = clientMetrics(metrics, new URL(cluster.server).host);
  return kubeClient(cluster, { userAgent: "krate-apiserver", onAnswer });
}

/** Outside a cluster nobody else makes the APIService; inside, the chart has. */
async function registerWith(client: KubeClient, config: Config, { port }: Listener, log: Logger): Promise<void> {
  const { apiServiceExternalName: externalName, caFile, namespace } = config;
  if (externalName === undefined) return;
  if (caFile === undefined) throw new Error("KRATE_CA_FILE must be set when KRATE_APISERVICE_EXTERNAL_NAME is");
  await register(client, { namespace, externalName, port, caPem: readText(caFile) });
  log.info({ externalName, port }, "registered with the aggregator");
}

function addressOf(listener: Listener | undefined): string {
  return listener === undefined ? "" : `${listener.host}:${listener.port}`;
}

async function openStore(config: Config, log: Logger, { metrics }: ServerMetrics): Promise<Store> {
  if (config.postgres === undefined) return createMemoryStore();
  const { openPostgresStore } = await import("./storage/postgres/postgres-store.ts");
  return openPostgresStore({
    connection: config.postgres,
    retention: retentionOf(config.history),
    reportDrift: true,
    log,
    observer: storageMetrics(metrics),
  });
}

/** Looks as often as the shortest history asks for, so that a history of seconds is one. */
function retentionOf({ maxAgeSeconds, maxRevisions }: HistorySettings): Partial<Retention> {
  return {
    ...(maxAgeSeconds !== undefined && {
      maxAgeMilliseconds: maxAgeSeconds * 1000,
      intervalMilliseconds: Math.min(maxAgeSeconds * 1000, defaultRetention.intervalMilliseconds),
    }),
    ...(maxRevisions !== undefined && { maxRevisions }),
  };
}

interface OpenAudit extends AuditOptions {
  close(): Promise<void>;
}

/** The audit log's file is opened anew on SIGHUP: whoever rotates it sends that. @throws when the policy is not one */
function openAudit({ policyFile, logPath, records }: AuditSettings, log: Logger, metrics: ServerMetrics): OpenAudit {
  const policy = policyFile === undefined ? undefined : parsePolicy(readText(policyFile));
  if (logPath === undefined) return { policy, records, close: async () => {} };
  const file = openLineFile({
    path: logPath,
    onDropped: () => metrics.observer.auditFailed("log", 1),
    onError: (err) => log.error({ err, path: logPath }, "the audit log could not be written"),
  });
  const reopen = () => file.reopen();
  process.on("SIGHUP", reopen);
  return {
    policy,
    records,
    write: file.write,
    close: () => {
      process.off("SIGHUP", reopen);
      return file.close();
    },
  };
}

interface Parts {
  store: Store;
  log: Logger;
  metrics: ServerMetrics;
  audit: AuditOptions;
  signal: AbortSignal;
  address: () => string;
}

async function standaloneServer(
  config: Config,
  { store, log, metrics, audit, signal, address }: Parts,
): Promise<ApiServer> {
  const users = config.tokenAuthFile === undefined ? undefined : tokenUsers(readText(config.tokenAuthFile));
  return standalone({
    store,
    log,
    metrics,
    audit,
    signal,
    serverAddress: address,
    ...(config.clientCaFile !== undefined && {
      clientCertificates: new CertificateVerifier(readText(config.clientCaFile)),
    }),
    retentionDays: config.retentionDays,
    caPem: config.caFile === undefined ? undefined : readText(config.caFile),
    kubelet:
      config.kubelet === undefined
        ? undefined
        : {
            cert: readText(config.kubelet.certFile),
            key: readText(config.kubelet.keyFile),
            ca: readText(config.kubelet.caFile),
          },
    ...(users !== undefined && { tokenUsers: () => users }),
    serviceAccountKey: config.serviceAccountKeyFile === undefined ? undefined : readText(config.serviceAccountKeyFile),
  });
}
