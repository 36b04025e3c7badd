/** From a config to a server on its port: what `main.ts` runs and tests start in process. */
import { createLogger, type HealthServer, healthServer, type Logger } from "@krate/telemetry";
import { CertificateVerifier } from "./auth/client-certificate.ts";
import { type ObjectLookup, ServiceAccountTokens } from "./auth/service-account-tokens.ts";
import { parseTokenFile } from "./auth/token-file.ts";
import { type Config, readText } from "./config.ts";
import { type Listener, listen } from "./http/listen.ts";
import { decodeStored } from "./objects.ts";
import type { ApiServer } from "./server.ts";
import { standalone } from "./standalone/standalone.ts";
import { createMemoryStore } from "./storage/memory/memory-store.ts";
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
  const store = await openStore(config, log);
  const stopping = new AbortController();
  let listener: Listener | undefined;
  const server = await standaloneServer(config, {
    store,
    log,
    signal: stopping.signal,
    address: () => addressOf(listener),
  });
  listener = await listen({
    ...config.address,
    tls: {
      cert: readText(config.tls.certFile),
      key: readText(config.tls.keyFile),
      ...(config.clientCaFile !== undefined && { ca: readText(config.clientCaFile) }),
    },
    onRequest: server.handle,
  });
  log.info({ address: addressOf(listener), mode: config.mode }, "serving");
  const open = listener;
  const health = config.healthAddress && (await startHealth(config.healthAddress, server));
  return {
    server,
    listener: open,
    stop: async () => {
      stopping.abort();
      await health?.close();
      await open.close();
      await store.close();
    },
  };
}

/** The same answer as `/readyz` of the API, without TLS and token, for whoever runs this process. */
function startHealth(address: { host: string; port: number }, server: ApiServer): Promise<HealthServer> {
  return healthServer({
    address,
    notReady: async () => {
      const { status } = await server.inject({ url: "/readyz" });
      return status === 200 ? [] : ["readyz"];
    },
  });
}

function addressOf(listener: Listener | undefined): string {
  return listener === undefined ? "" : `${listener.host}:${listener.port}`;
}

async function openStore(config: Config, log: Logger): Promise<Store> {
  if (config.postgres === undefined) return createMemoryStore();
  const { openPostgresStore } = await import("./storage/postgres/postgres-store.ts");
  return openPostgresStore({ connection: config.postgres, log });
}

interface Parts {
  store: Store;
  log: Logger;
  signal: AbortSignal;
  address: () => string;
}

async function standaloneServer(config: Config, { store, log, signal, address }: Parts): Promise<ApiServer> {
  const users = config.tokenAuthFile === undefined ? undefined : parseTokenFile(readText(config.tokenAuthFile));
  return standalone({
    store,
    log,
    signal,
    serverAddress: address,
    ...(config.clientCaFile !== undefined && {
      clientCertificates: new CertificateVerifier(readText(config.clientCaFile)),
    }),
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
    ...(config.serviceAccountKeyFile !== undefined && {
      serviceAccountTokens: new ServiceAccountTokens(readText(config.serviceAccountKeyFile), lookupIn(store)),
    }),
  });
}

function lookupIn(store: Store): ObjectLookup {
  return async (resource, { namespace, name }) => {
    const stored = await store.get({ group: "", resource, namespace, name });
    return stored === undefined ? undefined : decodeStored(stored);
  };
}
