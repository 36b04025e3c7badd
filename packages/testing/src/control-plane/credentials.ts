import { join } from "node:path";
import { type Authority, type Credential, certificateAuthority, issueCertificate, signingKeyFiles } from "@krate/pki";

/** Every key and certificate of one control plane, under `<dataFolder>/pki`. */
export interface Credentials {
  ca: Authority;
  etcd: Credential;
  apiServer: Credential;
  /** Presented by kube-apiserver to kubelets: a process node may check it against `ca`. */
  kubeletClient: Credential;
  admin: Credential;
  controllerManager: Credential;
  frontProxyCa: Authority;
  /** Presented by kube-apiserver to aggregated API servers; its common name is {@link frontProxyName}. */
  frontProxyClient: Credential;
  etcdCa: Authority;
  serviceAccount: { privateKeyFile: string; publicKeyFile: string };
}

/** The only common name that may speak for users through X-Remote-* headers. */
export const frontProxyName = "front-proxy-client";

const loopback = ["localhost", "127.0.0.1", "::1"];
const apiServerHosts = [...loopback, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "10.0.0.1"];

/** Authorities and token keys persist in the folder, so tokens and kubeconfigs outlive a restart; the rest is issued anew. */
export async function prepareCredentials(dataFolder: string): Promise<Credentials> {
  const pki = join(dataFolder, "pki");
  const at = (name: string) => join(pki, name);
  const ca = await certificateAuthority(at("ca"), "krate-control-plane-ca");
  const frontProxyCa = await certificateAuthority(at("front-proxy-ca"), "krate-front-proxy-ca");
  const etcdCa = await certificateAuthority(at("etcd-ca"), "krate-etcd-ca");
  return {
    ca,
    frontProxyCa,
    etcdCa,
    etcd: await issueCertificate(etcdCa, at("etcd"), { name: "etcd", hosts: loopback }),
    apiServer: await issueCertificate(ca, at("apiserver"), { name: "kube-apiserver", hosts: apiServerHosts }),
    kubeletClient: await issueCertificate(ca, at("apiserver-kubelet-client"), {
      name: "kube-apiserver-kubelet-client",
    }),
    admin: await issueCertificate(ca, at("admin"), { name: "kubernetes-admin", groups: ["system:masters"] }),
    controllerManager: await issueCertificate(ca, at("controller-manager"), { name: "system:kube-controller-manager" }),
    frontProxyClient: await issueCertificate(frontProxyCa, at("front-proxy-client"), { name: frontProxyName }),
    serviceAccount: await signingKeyFiles(at("service-account")),
  };
}
