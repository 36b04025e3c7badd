/** A whole API server for kinds of your own: certificates, storage, core kinds, RBAC, a port and a kubeconfig. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { certificateAuthority, issueCertificate, signingKeyFiles, writeKubeconfig } from "@krate/pki";
import { createLogger, type Logger } from "@krate/telemetry";
import { CertificateVerifier } from "../auth/client-certificate.ts";
import { listen } from "../http/listen.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import { standalone } from "../standalone/standalone.ts";
import { openStorage, type Storage } from "./open-storage.ts";

export interface ServeOptions {
  kinds: readonly ServedResource[];
  /** Certificates, keys, the kubeconfig and the embedded database; made when absent, found again at the next start. */
  folder: string;
  /** @defaultValue 'embedded' */
  storage?: Storage;
  /** @defaultValue '127.0.0.1' */
  host?: string;
  /** @defaultValue 0, a free one */
  port?: number;
  /** Names and addresses in the serving certificate besides localhost. */
  hosts?: readonly string[];
  /** @defaultValue JSON lines of level warn on stderr */
  log?: Logger;
}

export interface Serving {
  /** `https://127.0.0.1:6443` */
  readonly url: string;
  /** For an administrator (group system:masters). */
  readonly kubeconfigFile: string;
  readonly server: ApiServer;
  /** Ends watches, answers what is under way, closes the store. */
  stop(): Promise<void>;
}

/**
 * Serves `kinds` beside everything a cluster's API has that they lean on: namespaces, RBAC, ServiceAccounts and their tokens, admission
 * policies, CustomResourceDefinitions, garbage collection.
 *
 * @throws when the storage cannot be opened or the port is taken
 */
export async function serve(options: ServeOptions): Promise<Serving> {
  const folder = resolve(options.folder);
  const log = options.log ?? createLogger({ component: "apiserver", level: "warn" });
  const { host = "127.0.0.1", port = 0, hosts = [] } = options;
  const pki = (name: string) => join(folder, "pki", name);
  const ca = await certificateAuthority(pki("ca"), "apiserver-ca");
  const serving = await issueCertificate(ca, pki("serving"), {
    name: "apiserver",
    hosts: [...new Set(["127.0.0.1", "localhost", host, ...hosts])],
  });
  const admin = await issueCertificate(ca, pki("admin"), { name: "admin", groups: ["system:masters"] });
  const { privateKeyFile } = await signingKeyFiles(pki("service-account"));
  const storage = await openStorage(options.storage ?? "embedded", folder, log);
  const stopping = new AbortController();
  try {
    let address = "";
    const caPem = readFileSync(ca.certFile, "utf8");
    const server = await standalone({
      store: storage.store,
      kinds: options.kinds,
      log,
      signal: stopping.signal,
      clientCertificates: new CertificateVerifier(caPem),
      serviceAccountKey: readFileSync(privateKeyFile, "utf8"),
      caPem,
      serverAddress: () => address,
    });
    const tls = { cert: readFileSync(serving.certFile), key: readFileSync(serving.keyFile), ca: caPem };
    const listener = await listen({ host, port, tls, onRequest: server.handle });
    address = `${host}:${listener.port}`;
    const url = `https://${address}`;
    const kubeconfigFile = join(folder, "kubeconfig");
    writeKubeconfig(kubeconfigFile, { server: url, caFile: ca.certFile }, [{ name: "admin", user: admin }]);
    return {
      url,
      kubeconfigFile,
      server,
      stop: async () => {
        stopping.abort();
        await listener.close();
        await storage.close();
      },
    };
  } catch (error) {
    stopping.abort();
    await storage.close();
    throw error;
  }
}
