/** Aggregated mode: the record kinds only, or given ones, behind a real kube-apiserver that says who calls and what they may do. */
import { randomUUID } from "node:crypto";
import { ConfigMap } from "@krate/kinds";
import { informer, type KubeClient } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import { admissionConfigKinds, admissionPlugins } from "../admission/plugins.ts";
import { type AuditOptions, auditor } from "../audit/auditor.ts";
import { clientCertificate } from "../auth/client-certificate.ts";
import { type RetentionDays, startExpiry } from "../controllers/expiry.ts";
import { internalRequests } from "../controllers/internal-client.ts";
import { namespaceKind, namespaceLifecycle } from "../core/namespaces.ts";
import { discoveryRoutes } from "../discovery/routes.ts";
import { healthRoutes } from "../health/routes.ts";
import { type ServerMetrics, serverMetrics } from "../observing.ts";
import { openApiRoutes } from "../openapi/routes.ts";
import { recordConfigKinds } from "../records/lookups.ts";
import { recordResources } from "../records/resources.ts";
import { ResourceRegistry } from "../resources/registry.ts";
import type { ServedResource } from "../resources/resource.ts";
import { type ApiServer, apiServer } from "../server.ts";
import { type Authenticator, defaultLimits, type Services } from "../services.ts";
import type { Store } from "../storage/store.ts";
import { jobLog } from "../subresources/job-log.ts";
import { ClusterConfig } from "./cluster-config.ts";
import { clusterLogs } from "./cluster-logs.ts";
import { DelegatedAuthorizer, delegatedTokens } from "./delegation.ts";
import { authenticationConfigMap, type FrontProxySettings, frontProxy, readSettings } from "./front-proxy.ts";
import { kindResolver, servedMutatingPolicies } from "./kind-resolver.ts";
import { reviewClient, reviewMetrics } from "./review-client.ts";

export interface AggregatedOptions {
  store: Store;
  client: KubeClient;
  /** What is served. @defaultValue Krate's records, which expire and know of one another */
  kinds?: readonly ServedResource[];
  log: Logger;
  signal: AbortSignal;
  /** @defaultValue a registry of its own */
  metrics?: ServerMetrics;
  /** Audiences tokens of direct callers must be for. @defaultValue those of the cluster's API server */
  apiAudiences?: readonly string[];
  /** @defaultValue writes to the log, and AuditEvents */
  audit?: AuditOptions;
  /** How many days records are kept, by plural. @defaultValue what the kinds say */
  retentionDays?: RetentionDays;
  serverAddress?: () => string;
  /** The CAs whose client certificates the listener must ask for; called again when they change. */
  onClientCas: (pem: string) => void;
}

/** Ready to answer when the promise resolves: the front-proxy settings and the admission policies are known. */
export async function aggregated(options: AggregatedOptions): Promise<ApiServer> {
  const { store, client, log, signal } = options;
  const registry = new ResourceRegistry();
  registry.add(...(options.kinds ?? recordResources({ connects: { "jobs/log": jobLog(clusterLogs(client)) } })));
  const config = new ClusterConfig({ client, log, signal });
  const settings = await followSettings(options);
  const mutatingPolicies = await servedMutatingPolicies(client);
  const needed = [namespaceKind, ...admissionConfigKinds({ mutatingPolicies })].map((kind) => config.follow(kind));
  if (options.kinds === undefined) for (const kind of recordConfigKinds) config.follow(kind);
  const metrics = options.metrics ?? serverMetrics();
  const reviews = reviewClient(client, { observer: reviewMetrics(metrics.metrics) });
  const clock = { now: () => new Date(), newUid: randomUUID };
  const plugins = admissionPlugins({ metrics: metrics.metrics, signal, mutatingPolicies });
  const services: Services = {
    store,
    registry,
    config,
    authorizer: new DelegatedAuthorizer(reviews),
    authenticators: authenticatorsOf(delegatedTokens(reviews, options.apiAudiences), settings),
    admission: [namespaceLifecycle, ...plugins],
    routes: [
      ...healthRoutes([
        { name: "storage", check: () => store.ready() },
        {
          name: "informer-sync",
          check: () => {
            if (!needed.every((each) => each.hasSynced))
              throw new Error("the cluster's configuration has not been read yet");
          },
        },
      ]),
      ...discoveryRoutes(registry, options.serverAddress ?? (() => "")),
      ...openApiRoutes(registry),
      metrics.route,
    ],
    log,
    observer: metrics.observer,
    auditor: auditor(options.audit ?? {}, { store, registry, config, ...clock, log, observer: metrics.observer }),
    limits: defaultLimits,
    resolveKind: kindResolver(client, registry),
    ...clock,
    random: Math.random,
    ending: signal,
  };
  await Promise.all(needed.map((each) => each.synced()));
  const server = apiServer(services);
  if (options.kinds === undefined) startExpiry(server, { log, signal, retentionDays: options.retentionDays });
  return server;
}

function authenticatorsOf(tokens: Authenticator, settings: () => FrontProxySettings | undefined): Authenticator[] {
  return [
    internalRequests,
    frontProxy(settings),
    (exchange) => {
      const verifier = settings()?.client;
      return verifier === undefined ? undefined : clientCertificate(verifier)(exchange);
    },
    tokens,
  ];
}

/** Reads the front-proxy settings and follows their changes: both CAs rotate. */
async function followSettings({
  client,
  log,
  signal,
  onClientCas,
}: AggregatedOptions): Promise<() => FrontProxySettings | undefined> {
  const configMaps = informer(client, ConfigMap, {
    namespace: authenticationConfigMap.namespace,
    fieldSelector: `metadata.name=${authenticationConfigMap.name}`,
    onProblem: ({ message, error }) => log.warn({ err: error }, message),
  });
  let current: FrontProxySettings | undefined;
  configMaps.onChange((type, object) => {
    if (type === "DELETED") return;
    try {
      current = readSettings(object as never);
      onClientCas(current.caPem);
    } catch (err) {
      log.error({ err }, "the front-proxy settings are not usable; the last usable ones stay");
    }
  });
  configMaps.start(signal);
  await configMaps.synced();
  if (current === undefined) {
    log.warn(
      { ...authenticationConfigMap },
      "there are no front-proxy settings: only direct calls can be authenticated",
    );
  }
  return () => current;
}
