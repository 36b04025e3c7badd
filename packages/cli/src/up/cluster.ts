/**
 * The cluster the forge runs on. Standalone: our own API server, with a CA, local users and keys made here. Aggregated: somebody's
 * kube-apiserver, reached by the given kubeconfig; our API server then serves records behind it.
 */
import { writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { loadKubeConfig } from "@krate/kube";
import {
  type ClusterAccess,
  type Credential,
  certificateAuthority,
  ensureUsers,
  issueCertificate,
  signingKeyFiles,
  writeKubeconfig,
} from "@krate/pki";
import type { EmbeddedPostgres } from "@krate/postgres/embedded";
import type { Layout } from "./layout.ts";
import { firstNamespace } from "./manifests.ts";

export interface ClusterOptions {
  layout: Layout;
  ports: { api: number };
  /** IP address of this machine at which API server and node listen, because the cluster reaches them there. */
  address: string;
  kubeconfig?: string;
}

export interface PreparedCluster {
  mode: "standalone" | "aggregated";
  /** Where clients go. */
  apiUrl: string;
  caFile: string;
  /** For people. */
  kubeconfig: string;
  /** Every right; only for the installation. */
  adminKubeconfig: string;
  /** Environment of `apiserver` that is not the database. */
  apiserver: Record<string, string>;
  /** Token of the local user whom the console, on loopback, signs in without asking. */
  consoleTokenFile?: string;
  /** Environment of `process-node`: how it proves itself and whom it lets read logs. */
  kubeletServing: Record<string, string>;
}

export function clusterAccess(cluster: PreparedCluster): ClusterAccess {
  return { server: cluster.apiUrl, caFile: cluster.caFile };
}

/** Whom a first visitor is: somebody with a developer's rights, not the administrator. */
const consoleUser = "alice";

const localHosts = ["localhost", "127.0.0.1", "krate-apiserver.krate-system.svc"];

/** Where everything listens unless a cluster elsewhere must reach it. */
export const loopback = "127.0.0.1";

/** `host:port` of an IP address. @throws Error for anything else */
export function hostPort(address: string, port: number): string {
  const family = isIP(address);
  if (family === 0) throw new Error(`--cluster-address is "${address}": must be an IP address of this machine`);
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

function servingEnvironment(
  { address, ports }: ClusterOptions,
  serving: Credential,
  caFile: string,
): Record<string, string> {
  return {
    KRATE_API_ADDRESS: hostPort(address, ports.api),
    KRATE_TLS_CERT_FILE: serving.certFile,
    KRATE_TLS_KEY_FILE: serving.keyFile,
    KRATE_CA_FILE: caFile,
  };
}

/** Makes (or finds) keys, certificates, users and kubeconfigs. */
export async function prepareCluster(options: ClusterOptions): Promise<PreparedCluster> {
  return options.kubeconfig ? prepareAggregated(options, resolve(options.kubeconfig)) : prepareStandalone(options);
}

async function prepareStandalone(options: ClusterOptions): Promise<PreparedCluster> {
  const { layout, ports } = options;
  const at = (name: string) => join(layout.pki, name);
  const authority = await certificateAuthority(at("ca"), "krate-ca");
  const serving = await issueCertificate(authority, at("apiserver"), { name: "krate-apiserver", hosts: localHosts });
  const kubelet = await issueCertificate(authority, at("node"), {
    name: "system:node:krate-process-node",
    groups: ["system:nodes"],
    hosts: localHosts,
  });
  const kubeletClient = await issueCertificate(authority, at("kubelet-client"), {
    name: "krate-apiserver-kubelet-client",
  });
  const { privateKeyFile } = await signingKeyFiles(at("service-account"));
  const tokenFile = at("users.csv");
  const users = ensureUsers(tokenFile);
  const apiUrl = `https://127.0.0.1:${ports.api}`;
  const contexts = users.map(({ user, token }) => ({ name: user, user: { token }, namespace: firstNamespace }));
  writeKubeconfig(layout.kubeconfig, { server: apiUrl, caFile: authority.certFile }, contexts);
  const consoleTokenFile = join(layout.tokens, consoleUser);
  writeFileSync(consoleTokenFile, users.find(({ user }) => user === consoleUser)?.token ?? "", { mode: 0o600 });
  return {
    mode: "standalone",
    apiUrl,
    caFile: authority.certFile,
    kubeconfig: layout.kubeconfig,
    adminKubeconfig: layout.kubeconfig,
    consoleTokenFile,
    apiserver: {
      KRATE_API_MODE: "standalone",
      ...servingEnvironment(options, serving, authority.certFile),
      KRATE_CLIENT_CA_FILE: authority.certFile,
      KRATE_TOKEN_AUTH_FILE: tokenFile,
      KRATE_SERVICE_ACCOUNT_KEY_FILE: privateKeyFile,
      KRATE_KUBELET_CLIENT_CERT_FILE: kubeletClient.certFile,
      KRATE_KUBELET_CLIENT_KEY_FILE: kubeletClient.keyFile,
      KRATE_KUBELET_CA_FILE: authority.certFile,
    },
    kubeletServing: nodeServing(kubelet, authority.certFile),
  };
}

async function prepareAggregated(options: ClusterOptions, kubeconfig: string): Promise<PreparedCluster> {
  const { layout, address } = options;
  const hosts = [...localHosts, address];
  const at = (name: string) => join(layout.pki, name);
  const authority = await certificateAuthority(at("ca"), "krate-ca");
  const serving = await issueCertificate(authority, at("apiserver"), { name: "krate-apiserver", hosts });
  const kubelet = await issueCertificate(authority, at("node"), {
    name: "system:node:krate-process-node",
    hosts,
  });
  const config = await loadKubeConfig(kubeconfig);
  const caFile = at("cluster-ca.crt");
  writeFileSync(caFile, config.caBundle ?? "");
  return {
    mode: "aggregated",
    apiUrl: config.server,
    caFile,
    kubeconfig,
    adminKubeconfig: kubeconfig,
    apiserver: {
      KRATE_API_MODE: "aggregated",
      ...servingEnvironment(options, serving, authority.certFile),
      // A name where there is one; an address passes as one, which a cluster in a container needs.
      KRATE_APISERVICE_EXTERNAL_NAME: address === loopback ? "localhost" : address,
    },
    // The cluster's CA signs the client certificate kube-apiserver shows to kubelets.
    kubeletServing: nodeServing(kubelet, caFile),
  };
}

function nodeServing(certificate: Credential, clientCaFile: string): Record<string, string> {
  return {
    KRATE_NODE_TLS_CERT_FILE: certificate.certFile,
    KRATE_NODE_TLS_KEY_FILE: certificate.keyFile,
    KRATE_NODE_CLIENT_CA_FILE: clientCaFile,
  };
}

/** Environment of `apiserver`: the cluster's part and the database's. */
export function apiserverEnvironment(
  cluster: PreparedCluster,
  postgres: EmbeddedPostgres["connection"],
): Record<string, string> {
  return {
    ...cluster.apiserver,
    KRATE_POSTGRES_HOST: postgres.host,
    KRATE_POSTGRES_PORT: String(postgres.port),
    KRATE_POSTGRES_USER: postgres.user,
    KRATE_POSTGRES_DATABASE: postgres.database,
  };
}
