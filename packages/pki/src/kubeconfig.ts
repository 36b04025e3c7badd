import { readFileSync, writeFileSync } from "node:fs";

export interface ClusterAccess {
  /** `https://host:port` */
  server: string;
  caFile: string;
}

/** One way to prove who one is: a token, a file with a token that is read again when it changes, or a client certificate. */
export type UserCredentials = { token: string } | { tokenFile: string } | { certFile: string; keyFile: string };

export interface KubeconfigContext {
  /** Also the name of the user. */
  name: string;
  user: UserCredentials;
  /** @defaultValue default */
  namespace?: string | undefined;
}

const base64 = (file: string) => readFileSync(file).toString("base64");

function userOf(user: UserCredentials): Record<string, string> {
  if ("certFile" in user) {
    return { "client-certificate-data": base64(user.certFile), "client-key-data": base64(user.keyFile) };
  }
  return { ...user };
}

/** Text of a kubeconfig (JSON, which is YAML) with certificates inlined; the first context is the current one. */
export function renderKubeconfig(cluster: ClusterAccess, contexts: readonly KubeconfigContext[]): string {
  const { server, caFile } = cluster;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "krate", cluster: { server, "certificate-authority-data": base64(caFile) } }],
    users: contexts.map(({ name, user }) => ({ name, user: userOf(user) })),
    contexts: contexts.map(({ name, namespace = "default" }) => ({
      name,
      context: { cluster: "krate", user: name, namespace },
    })),
    "current-context": contexts[0]?.name ?? "",
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes it so that only the owner can read it. */
export function writeKubeconfig(file: string, cluster: ClusterAccess, contexts: readonly KubeconfigContext[]): void {
  writeFileSync(file, renderKubeconfig(cluster, contexts), { mode: 0o600 });
}
