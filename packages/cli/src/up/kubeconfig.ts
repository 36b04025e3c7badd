/** Kubeconfig files: one for people (a context per local user), one per program (token file that is refreshed). */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";

export interface ClusterAccess {
  server: string;
  caFile: string;
}

export interface UserCredentials {
  token?: string;
  tokenFile?: string;
  certFile?: string;
  keyFile?: string;
}

export interface Context {
  name: string;
  user: UserCredentials;
  namespace?: string;
}

function userOf(user: UserCredentials): Record<string, string> {
  return {
    ...(user.token && { token: user.token }),
    ...(user.tokenFile && { tokenFile: user.tokenFile }),
    ...(user.certFile && { "client-certificate": user.certFile }),
    ...(user.keyFile && { "client-key": user.keyFile }),
  };
}

/** Text of a kubeconfig; the first context is the current one. */
export function renderKubeconfig(cluster: ClusterAccess, contexts: readonly Context[]): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "krate", cluster: { server: cluster.server, "certificate-authority": cluster.caFile } }],
    users: contexts.map(({ name, user }) => ({ name, user: userOf(user) })),
    contexts: contexts.map(({ name, namespace }) => ({
      name,
      context: { cluster: "krate", user: name, ...(namespace && { namespace }) },
    })),
    "current-context": contexts[0]?.name ?? "",
  });
}

export function writeKubeconfig(file: string, cluster: ClusterAccess, contexts: readonly Context[]): void {
  writeFileSync(file, renderKubeconfig(cluster, contexts), { mode: 0o600 });
}
