import { join } from "node:path";
import type { Credentials } from "./credentials.ts";
import { frontProxyName } from "./credentials.ts";

/** What the command lines of the three programs are made from. */
export interface Layout {
  dataFolder: string;
  ports: { apiServer: number; etcd: number; etcdPeer: number };
  credentials: Credentials;
  /** Local users, `--token-auth-file`. */
  tokenFile: string;
  /** etcd's fsync. Off is for tests only: it makes every write faster than a durable one can be. */
  fsync: boolean;
  /** Writes `audit.log` into the data folder, every request at level Metadata. */
  audit: boolean;
  /** Added to kube-apiserver's own; a later flag wins. */
  apiServerArguments: string[];
}

export function etcdArguments({ dataFolder, ports, credentials, fsync }: Layout): string[] {
  const client = `https://127.0.0.1:${ports.etcd}`;
  const peer = `https://127.0.0.1:${ports.etcdPeer}`;
  const { etcd, etcdCa } = credentials;
  return [
    "--name=krate",
    `--data-dir=${join(dataFolder, "etcd")}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=krate=${peer}`,
    "--client-cert-auth=true",
    `--trusted-ca-file=${etcdCa.certFile}`,
    `--cert-file=${etcd.certFile}`,
    `--key-file=${etcd.keyFile}`,
    "--peer-client-cert-auth=true",
    `--peer-trusted-ca-file=${etcdCa.certFile}`,
    `--peer-cert-file=${etcd.certFile}`,
    `--peer-key-file=${etcd.keyFile}`,
    `--unsafe-no-fsync=${!fsync}`,
    "--log-level=warn",
  ];
}

/**
 * Aggregation works although nothing routes cluster addresses: an APIService points at a Service of type ExternalName.
 * `--enable-aggregator-routing` must stay away, with it such a Service is refused.
 */
export function apiServerArguments(layout: Layout): string[] {
  const { dataFolder, ports, credentials, audit } = layout;
  return [
    "--bind-address=127.0.0.1",
    `--secure-port=${ports.apiServer}`,
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none", // a loopback address may not stand in the endpoints of Service kubernetes
    `--etcd-servers=https://127.0.0.1:${ports.etcd}`,
    `--etcd-cafile=${credentials.etcdCa.certFile}`,
    `--etcd-certfile=${credentials.etcd.certFile}`,
    `--etcd-keyfile=${credentials.etcd.keyFile}`,
    `--tls-cert-file=${credentials.apiServer.certFile}`,
    `--tls-private-key-file=${credentials.apiServer.keyFile}`,
    `--client-ca-file=${credentials.ca.certFile}`,
    `--token-auth-file=${layout.tokenFile}`,
    `--kubelet-client-certificate=${credentials.kubeletClient.certFile}`,
    `--kubelet-client-key=${credentials.kubeletClient.keyFile}`,
    "--kubelet-preferred-address-types=InternalIP,Hostname",
    `--requestheader-client-ca-file=${credentials.frontProxyCa.certFile}`,
    `--requestheader-allowed-names=${frontProxyName}`,
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-uid-headers=X-Remote-Uid",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    `--proxy-client-cert-file=${credentials.frontProxyClient.certFile}`,
    `--proxy-client-key-file=${credentials.frontProxyClient.keyFile}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${credentials.serviceAccount.publicKeyFile}`,
    `--service-account-signing-key-file=${credentials.serviceAccount.privateKeyFile}`,
    "--service-cluster-ip-range=10.0.0.0/24",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    ...(audit ? auditArguments(dataFolder) : []),
    ...layout.apiServerArguments,
  ];
}

export const auditPolicy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "Metadata" }] };

function auditArguments(dataFolder: string): string[] {
  return [
    `--audit-policy-file=${join(dataFolder, "audit-policy.json")}`,
    `--audit-log-path=${join(dataFolder, "audit.log")}`,
  ];
}

export function controllerManagerArguments({ credentials }: Layout, kubeconfigFile: string): string[] {
  return [
    `--kubeconfig=${kubeconfigFile}`,
    `--authentication-kubeconfig=${kubeconfigFile}`,
    `--authorization-kubeconfig=${kubeconfigFile}`,
    "--secure-port=0", // nobody asks it anything
    "--leader-elect=false",
    "--use-service-account-credentials=true",
    "--kube-api-qps=200", // with the default of 20 it takes 4 s to make the accounts of its controllers
    "--kube-api-burst=400",
    `--service-account-private-key-file=${credentials.serviceAccount.privateKeyFile}`,
    `--root-ca-file=${credentials.ca.certFile}`,
    `--cluster-signing-cert-file=${credentials.ca.certFile}`,
    `--cluster-signing-key-file=${credentials.ca.keyFile}`,
  ];
}
