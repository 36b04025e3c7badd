/** Kinds of your own behind a cluster's API server: its users, RBAC and admission policies, its kubectl. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { kubeClient, loadKubeConfig } from "@krate/kube";
import { certificateAuthority, issueCertificate } from "@krate/pki";
import { createLogger } from "@krate/telemetry";
import { aggregated } from "../aggregated/aggregated.ts";
import { register } from "../aggregated/registration.ts";
import { type Listener, listen } from "../http/listen.ts";
import { openStorage } from "./open-storage.ts";
import type { ServeOptions, Serving } from "./serve.ts";

export interface ServeBehindOptions extends ServeOptions {
  /** Of the cluster, for an identity that may write APIServices and Services and review tokens and access. */
  kubeconfigFile: string;
  /** Host name under which the cluster's API server reaches this one. @defaultValue 'localhost' */
  externalName?: string;
  /** Where the Service stands that leads here. @defaultValue 'default' */
  namespace?: string;
  /** Its name. @defaultValue 'your-own-api' */
  service?: string;
}

/**
 * Serves `kinds` through the aggregation layer of a cluster: registers an APIService for each of their versions. Who calls and what they may do
 * is the cluster's to say. The registration stays when the server stops.
 *
 * @throws when the storage cannot be opened, the port is taken, or the cluster does not let itself be written to
 */
export async function serveBehind(options: ServeBehindOptions): Promise<Serving> {
  const folder = resolve(options.folder);
  const log = options.log ?? createLogger({ component: "apiserver", level: "warn" });
  const { host = "127.0.0.1", port = 0, hosts = [], kinds, kubeconfigFile } = options;
  const { externalName = "localhost", namespace = "default", service = "your-own-api" } = options;
  const pki = (name: string) => join(folder, "pki", name);
  const ca = await certificateAuthority(pki("ca"), "apiserver-ca");
  const names = [`${service}.${namespace}.svc`, "127.0.0.1", "localhost", host, externalName, ...hosts];
  const serving = await issueCertificate(ca, pki("serving"), { name: service, hosts: [...new Set(names)] });
  const client = kubeClient(await loadKubeConfig(kubeconfigFile), { userAgent: service });
  const storage = await openStorage(options.storage ?? "embedded", folder, log);
  const stopping = new AbortController();
  let listener: Listener | undefined;
  const stop = async () => {
    stopping.abort();
    await listener?.close();
    await client.close();
    await storage.close();
  };
  try {
    const certificate = { cert: readFileSync(serving.certFile), key: readFileSync(serving.keyFile) };
    let clientCas: string | undefined;
    const tls = () => ({ ...certificate, ...(clientCas !== undefined && { ca: clientCas }) });
    const server = await aggregated({
      store: storage.store,
      client,
      kinds,
      log,
      signal: stopping.signal,
      serverAddress: () => (listener === undefined ? "" : `${host}:${listener.port}`),
      onClientCas: (pem) => {
        clientCas = pem;
        listener?.setTls(tls());
      },
    });
    listener = await listen({ host, port, tls: tls(), onRequest: server.handle });
    const apis = new Map(kinds.map(({ group, version }) => [`${version}.${group}`, { group, version }]));
    await register(client, {
      namespace,
      externalName,
      service,
      port: listener.port,
      caPem: readFileSync(ca.certFile, "utf8"),
      apis: [...apis.values()],
    });
    return { url: `https://${host}:${listener.port}`, kubeconfigFile, server, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
