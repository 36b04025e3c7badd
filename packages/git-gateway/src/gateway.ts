import { openBackend } from "@krate/git";
import { Repository } from "@krate/kinds";
import { informer, type KubeClient } from "@krate/kube";
import { readSshPrivateKey } from "@krate/pki/ssh";
import { healthServer, type Logger } from "@krate/telemetry";
import { kubeAuthenticator } from "./adapters/kube-authenticator.ts";
import { kubeAuthorizer } from "./adapters/kube-authorizer.ts";
import { kubeEventLog } from "./adapters/kube-events.ts";
import { KubePolicies } from "./adapters/kube-policies.ts";
import { kubeRepositories } from "./adapters/kube-repositories.ts";
import { KubeSigningKeys } from "./adapters/kube-signing-keys.ts";
import { KubeSshKeys } from "./adapters/kube-ssh-keys.ts";
import type { GatewayConfig } from "./config.ts";
import { ContentApi } from "./content/serve.ts";
import { configMapModules } from "./hooks/configmap-modules.ts";
import { HookPool } from "./hooks/hook-pool.ts";
import { ModuleStore } from "./hooks/module-store.ts";
import { ociModules } from "./hooks/oci-modules.ts";
import { wasmRunner } from "./hooks/wasm-runner.ts";
import { Housekeeping } from "./housekeeping/housekeeping.ts";
import { createGatewayServer } from "./http/server.ts";
import { openBuckets } from "./lfs/buckets.ts";
import { LfsTokens } from "./lfs/lfs-tokens.ts";
import { LfsStores } from "./lfs/stores.ts";
import { gatewayMetrics } from "./metrics.ts";
import { Recovery } from "./receive-pack/recovery.ts";
import type { GitServiceOptions } from "./services/git-services.ts";
import { RequestLimits } from "./services/request-limits.ts";
import { RegisteredKeySignatures } from "./signatures/commit-signatures.ts";
import { SshCertificates } from "./ssh/certificates.ts";
import { createSshServer } from "./ssh/server.ts";
import { SharedFetches } from "./upload-pack/shared-fetches.ts";

/** Time pushes under way get at the end; the whole program stops within 10 s. */
const graceMs = 8_000;

/**
 * Runs the gateway until the signal fires: copies synced, what an earlier run left finished, then requests are taken.
 * @throws when it cannot listen.
 */
export async function runGateway(
  config: GatewayConfig,
  { client, log }: { client: KubeClient; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  const metrics = gatewayMetrics();
  let notReady: string | undefined = "the local copies are not synced yet";
  const health = await healthServer({
    address: config.healthAddress,
    notReady: () => (notReady === undefined ? [] : [notReady]),
    metrics,
  });
  const backend = openBackend(config.backend);
  const onProblem = (message: string, error: unknown) => log.warn({ err: error }, message);
  const repositories = informer(client, Repository, { onProblem: ({ message, error }) => onProblem(message, error) });
  const hookPool = new HookPool();
  const inCluster = configMapModules(client);
  const inRegistries = ociModules({ registries: config.hookRegistries });
  const modules = new ModuleStore(
    { fetch: (namespace, module) => (module.image ? inRegistries : inCluster).fetch(namespace, module) },
    hookPool,
  );
  const policies = new KubePolicies(client, {
    gateway: config.gatewayName,
    hooks: {
      runner: (namespace) => wasmRunner({ pool: hookPool, modules, namespace, onRun: metrics.observeHook }),
      prepare: (namespace, settings) => {
        modules.load(namespace, settings).catch((error: unknown) => onProblem("a hook cannot be loaded", error));
      },
    },
    onProblem,
  });
  const signingKeys = new KubeSigningKeys(client, onProblem);
  const signatures = new RegisteredKeySignatures(signingKeys);
  const content = new ContentApi({ backend, signatures, onProblem });
  const housekeeping = new Housekeeping({ backend, onProblem });
  const events = kubeEventLog(client);
  const onUnrecorded = (entry: { pushId: string }, error: Error) =>
    log.error(
      { err: error, pushId: entry.pushId },
      "the API server refuses the events of a push; they are kept in unrecorded/",
    );
  const recovery = new Recovery({ backend, events, log, onUnrecorded, onReplayed: metrics.observeReplays });
  const authorizer = kubeAuthorizer(client);
  const access = {
    authenticator: kubeAuthenticator(client),
    authorizer,
    repositories: kubeRepositories(repositories, client),
  };
  const git: GitServiceOptions = {
    backend,
    authorizer,
    receivePack: {
      policies,
      signatures,
      events,
      onUnrecorded,
      now: () => new Date(),
      onPendingEvents: (repository) => recovery.add(repository),
      onFailure: (error) => log.error({ err: error }, "a push failed"),
    },
    limits: {
      maxPackBytes: config.maxPackBytes,
      maxObjectBytes: config.maxObjectBytes,
      packTimeoutMs: config.packTimeoutSeconds * 1000,
      maxRefs: config.maxRefs,
    },
    requestLimits: new RequestLimits(config.requestLimits, metrics.observeLimited),
    fetches: new SharedFetches({ onFetch: metrics.observeFetch }),
    fetchTimeoutMs: config.fetchTimeoutSeconds * 1000,
    mergeIdentity: `system:serviceaccount:${config.platformNamespace}:repository-operator`,
    onPush: (summary, view) => {
      metrics.observePush(summary);
      if (summary.outcome === "landed") housekeeping.add({ namespace: view.namespace, name: view.name, uid: view.uid });
    },
  };
  const certificates = config.ssh?.authorityKey
    ? new SshCertificates(readSshPrivateKey(config.ssh.authorityKey))
    : undefined;
  const sshKeys = new KubeSshKeys(client, signingKeys, onProblem);
  const publicUrl = () => config.publicUrl;
  const tokens = config.ssh && new LfsTokens(config.ssh.hostKey);
  const ssh = config.ssh && {
    ...config.ssh,
    server: createSshServer({
      hostKey: config.ssh.hostKey,
      credentials: { keys: sshKeys, certificates },
      access,
      git,
      lfs: tokens && { tokens, publicUrl },
      log,
      onRequest: metrics.observeRequest,
    }),
  };
  const server = createGatewayServer({
    access,
    git,
    content,
    lfs: {
      stores: new LfsStores(config.lfs.buckets && (await openBuckets(config.lfs.buckets))),
      limits: config.lfs.limits,
      publicUrl,
      ssh: tokens && { tokens, credentials: { keys: sshKeys, certificates } },
    },
    certificates: ssh &&
      certificates && { certificates, sshUrl: ssh.url, hostKey: readSshPrivateKey(ssh.hostKey).blob },
    tls: config.tls,
    log,
    onRequest: metrics.observeRequest,
  });
  try {
    repositories.start(signal);
    policies.start(signal);
    signingKeys.start(signal);
    if (ssh) sshKeys.start(signal);
    await Promise.all([
      repositories.synced(),
      policies.synced(),
      signingKeys.synced(),
      ...(ssh ? [sshKeys.synced()] : []),
    ]);
    void backend.watch(signal, (server, isAway) =>
      log.warn({ server }, isAway ? "a server of the Git backend is away" : "a server of the Git backend is back"),
    );
    await recovery.start(signal);
    const port = await server.listen(config.address);
    const sshPort = await ssh?.server.listen(ssh.address);
    notReady = undefined;
    log.info({ port, sshPort, health: health.url, backend: config.backend.kind }, "serving Git");
    await Promise.all([recovery.run(signal), housekeeping.run(signal)]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    notReady = "the gateway is stopping";
    await Promise.all([server.close(graceMs), ssh?.server.close(graceMs), policies.stop()]);
    await hookPool.close();
    content.close();
    await health.close();
  }
}
