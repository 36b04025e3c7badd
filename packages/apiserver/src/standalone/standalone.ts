/** Standalone mode: the only API server of its cluster. Wires services from a store and a few secrets. */
import { randomUUID } from "node:crypto";
import type { JsonObject } from "@krate/apimachinery";
import type { Logger } from "@krate/telemetry";
import { admissionConfigKinds, admissionPlugins } from "../admission/plugins.ts";
import { mutatingPolicyKinds } from "../admission/policy/kinds.ts";
import { endpointSliceKind } from "../admission/webhook/endpoint.ts";
import { type AuditOptions, auditor } from "../audit/auditor.ts";
import { type CertificateVerifier, clientCertificate } from "../auth/client-certificate.ts";
import { issuerRoutes } from "../auth/issuer-routes.ts";
import { serviceAccount } from "../auth/service-account.ts";
import { type ObjectLookup, ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import { tokenFile, userOfToken } from "../auth/token-file.ts";
import { escalationCheck } from "../authorization/escalation.ts";
import { RbacAuthorizer } from "../authorization/rbac.ts";
import type { UserInfo } from "../context.ts";
import { startApiServices } from "../controllers/api-services.ts";
import { startClusterRoleAggregation } from "../controllers/cluster-role-aggregation.ts";
import { startCustomResourceCleanup } from "../controllers/custom-resource-cleanup.ts";
import { type RetentionDays, startExpiry } from "../controllers/expiry.ts";
import { startGarbageCollector } from "../controllers/garbage-collector.ts";
import { internalRequests } from "../controllers/internal-client.ts";
import { startNamespaceContents } from "../controllers/namespace-contents.ts";
import { startNamespaceController } from "../controllers/namespaces.ts";
import { coreBehaviours } from "../core/behaviours.ts";
import { CustomResourcePublisher } from "../core/custom-resource-definitions.ts";
import { namespaceKind, namespaceLifecycle } from "../core/namespaces.ts";
import { coreServedResources } from "../core/resources.ts";
import { discoveryRoutes } from "../discovery/routes.ts";
import { healthRoutes } from "../health/routes.ts";
import { decodeStored, nameOf } from "../objects.ts";
import { type ServerMetrics, serverMetrics } from "../observing.ts";
import { openApiRoutes } from "../openapi/routes.ts";
import { recordConfigKinds } from "../records/lookups.ts";
import { recordResources } from "../records/resources.ts";
import { ResourceRegistry } from "../resources/registry.ts";
import type { ServedResource } from "../resources/resource.ts";
import { type ApiServer, apiServer } from "../server.ts";
import { type Authenticator, type ConfigKind, defaultLimits, type Limits, type Services } from "../services.ts";
import type { Store } from "../storage/store.ts";
import { jobLog } from "../subresources/job-log.ts";
import { type KubeletCredentials, nodeLogs } from "../subresources/node-logs.ts";
import { podLog } from "../subresources/pod-logs.ts";
import { bootstrap } from "./bootstrap.ts";
import { LocalConfig } from "./local-config.ts";

export interface StandaloneOptions {
  store: Store;
  log: Logger;
  signal: AbortSignal;
  /** What is served beside the core kinds. @defaultValue the records of Krate */
  kinds?: readonly ServedResource[] | undefined;
  /** @defaultValue a registry of its own */
  metrics?: ServerMetrics;
  /** @defaultValue writes to the log, and AuditEvents */
  audit?: AuditOptions;
  /** Who signed client certificates; without it nobody has one. */
  clientCertificates?: CertificateVerifier;
  /** Local users by token digest. */
  tokenUsers?: () => ReadonlyMap<string, UserInfo>;
  /** EC P-256 private key (PKCS#8 PEM) that signs ServiceAccount tokens; without it there are none. */
  serviceAccountKey?: string | undefined;
  /** How Pod logs are read from nodes; without it they cannot be. */
  kubelet?: KubeletCredentials | undefined;
  /** How many days records are kept, by plural. @defaultValue what the kinds say */
  retentionDays?: RetentionDays;
  /** Published in every namespace as ConfigMap `kube-root-ca.crt`. */
  caPem?: string | undefined;
  /** More ways to tell who calls; asked first. For tests. */
  authenticators?: readonly Authenticator[];
  /** `host:port` told in `/api`. */
  serverAddress?: () => string;
  limits?: Partial<Limits>;
  now?: () => Date;
  newUid?: () => string;
  random?: () => number;
}

const rbac = "rbac.authorization.k8s.io";
const kind = (group: string, name: string, plural: string): ConfigKind => ({
  group,
  version: "v1",
  kind: name,
  plural,
});
const clusterRoles = kind(rbac, "ClusterRole", "clusterroles");
const roles = kind(rbac, "Role", "roles");
const clusterRoleBindings = kind(rbac, "ClusterRoleBinding", "clusterrolebindings");
const roleBindings = kind(rbac, "RoleBinding", "rolebindings");
const definitions = kind("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions");

/** Ready to answer when the promise resolves: caches are read and the bootstrap objects exist. */
export async function standalone(options: StandaloneOptions): Promise<ApiServer> {
  const { store, log, signal } = options;
  const registry = new ResourceRegistry();
  const publisher = new CustomResourcePublisher(registry);
  const config = new LocalConfig({ store, log, signal });
  const authorizer = new RbacAuthorizer({
    clusterRoles: () => config.list(clusterRoles),
    roles: () => config.list(roles),
    clusterRoleBindings: () => config.list(clusterRoleBindings),
    roleBindings: () => config.list(roleBindings),
  });
  const { serviceAccountKey } = options;
  const tokens =
    serviceAccountKey === undefined ? undefined : new ServiceAccountTokens(serviceAccountKey, lookupIn(config, store));
  const logs = nodeLogs(store, options.kubelet);
  registry.add(
    ...coreServedResources(
      coreBehaviours({
        publisher,
        authorizer,
        rbac: authorizer,
        tokens,
        userOfToken: (token) => userOfToken(options.tokenUsers?.(), token),
        podLog: podLog(logs),
      }),
    ),
    ...(options.kinds ?? recordResources({ connects: { "jobs/log": jobLog(logs) } })),
  );
  for (const each of [clusterRoles, roles, clusterRoleBindings, roleBindings]) {
    config.onChange(each, () => authorizer.invalidate());
  }
  config.onChange(definitions, (object, old) => follow(publisher, object, old));
  const recordsNeed = options.kinds === undefined ? recordConfigKinds : [];
  const mutatingPolicies = mutatingPolicyKinds("v1");
  for (const each of [
    namespaceKind,
    ...admissionConfigKinds({ mutatingPolicies }),
    endpointSliceKind,
    ...recordsNeed,
  ]) {
    config.cache(each);
  }
  const metrics = options.metrics ?? serverMetrics();
  const { observer } = metrics;
  const now = options.now ?? (() => new Date());
  const newUid = options.newUid ?? randomUUID;
  const plugins = admissionPlugins({ metrics: metrics.metrics, signal, mutatingPolicies });
  const services: Services = {
    store,
    registry,
    config,
    authorizer,
    authenticators: authenticatorsOf(options, tokens),
    admission: [namespaceLifecycle, escalationCheck(authorizer), ...plugins],
    routes: [
      ...healthRoutes([
        { name: "storage", check: () => store.ready() },
        {
          name: "informer-sync",
          check: () => {
            if (!config.synced()) throw new Error("caches are not read yet");
          },
        },
      ]),
      ...discoveryRoutes(registry, options.serverAddress ?? (() => "")),
      ...openApiRoutes(registry),
      ...(tokens === undefined ? [] : issuerRoutes(tokens)),
      metrics.route,
    ],
    log,
    observer,
    auditor: auditor(options.audit ?? {}, { store, registry, config, newUid, now, log, observer }),
    limits: { ...defaultLimits, ...options.limits },
    resolveKind: async (apiVersion, kindName) => kindIn(registry, apiVersion, kindName),
    now,
    newUid,
    random: options.random ?? Math.random,
    ending: signal,
  };
  await bootstrap(services, { platform: options.kinds === undefined });
  await config.whenSynced();
  const server = apiServer(services);
  startControllers(server, options);
  return server;
}

/** Any resource of the registry, found by its kind. */
export function kindIn(registry: ResourceRegistry, apiVersion: string, name: string): ServedResource | undefined {
  const [group, version] = apiVersion.includes("/") ? (apiVersion.split("/") as [string, string]) : ["", apiVersion];
  return registry.findByKind(group, name, version);
}

const serviceAccounts = kind("", "ServiceAccount", "serviceaccounts");

/** ServiceAccounts from the cache: every request of a controller asks. What a token is bound to from the store: it must die at once. */
function lookupIn(config: LocalConfig, store: Store): ObjectLookup {
  config.cache(serviceAccounts);
  return async (resource, key) => {
    if (resource === "serviceaccounts") return config.find(serviceAccounts, key);
    const stored = await store.get({ group: "", resource, ...key });
    return stored === undefined ? undefined : decodeStored(stored);
  };
}

function startControllers(server: ApiServer, { log, signal, caPem, retentionDays }: StandaloneOptions): void {
  startGarbageCollector(server, { log, signal });
  startNamespaceController(server, { log, signal });
  startNamespaceContents(server, { log, signal, caPem });
  startCustomResourceCleanup(server, { log, signal });
  startClusterRoleAggregation(server, { log, signal });
  startExpiry(server, { log, signal, retentionDays });
  startApiServices(server, { log, signal });
}

function follow(publisher: CustomResourcePublisher, object: JsonObject | undefined, old: JsonObject | undefined): void {
  if (object !== undefined) publisher.publish(object);
  else if (old !== undefined) publisher.withdraw(nameOf(old));
}

function authenticatorsOf(
  { authenticators = [], clientCertificates, tokenUsers }: StandaloneOptions,
  tokens: ServiceAccountTokens | undefined,
): Authenticator[] {
  return [
    internalRequests,
    ...authenticators,
    ...(clientCertificates === undefined ? [] : [clientCertificate(clientCertificates)]),
    ...(tokenUsers === undefined ? [] : [tokenFile(tokenUsers)]),
    ...(tokens === undefined ? [] : [serviceAccount(tokens)]),
  ];
}
