/**
 * Identities of the programs: a ServiceAccount token per program (TokenRequest), written to a file that the program's
 * kubeconfig names and renewed long before it ends, as a kubelet does for a Pod.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { platformNamespace, ServiceAccount } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { type ClusterAccess, writeKubeconfig } from "@krate/pki";
import type { Layout } from "./layout.ts";
import { controllers } from "./services.ts";

const tokenLifetimeSeconds = 3600;
const renewalIntervalMilliseconds = 20 * 60 * 1000;

/** `apiserver` needs one only behind another API server; the token does no harm otherwise. */
export const programsWithIdentity = [
  "apiserver",
  "git-gateway",
  ...controllers,
  "code-search",
  "process-node",
  "console",
] as const;

export interface Identities {
  kubeconfigOf(program: string): string;
  stop(): void;
}

async function renew(client: KubeClient, program: string, file: string): Promise<void> {
  const response = await client.raw({
    method: "POST",
    path: `/api/v1/namespaces/${platformNamespace}/${ServiceAccount.plural}/${program}/token`,
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: tokenLifetimeSeconds },
    },
  });
  const { status } = (await response.json()) as { status: { token: string } };
  writeFileSync(`${file}.new`, status.token, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Makes token and kubeconfig of every program and keeps the tokens fresh until `stop`. */
export async function programIdentities(
  client: KubeClient,
  cluster: ClusterAccess,
  layout: Layout,
): Promise<Identities> {
  const tokenFile = (program: string) => join(layout.tokens, program);
  const kubeconfigOf = (program: string) => join(layout.kubeconfigs, `${program}.kubeconfig`);
  const renewAll = () => Promise.all(programsWithIdentity.map((program) => renew(client, program, tokenFile(program))));
  await renewAll();
  for (const program of programsWithIdentity) {
    writeKubeconfig(kubeconfigOf(program), cluster, [{ name: program, user: { tokenFile: tokenFile(program) } }]);
  }
  const timer = setInterval(() => {
    // A failed renewal is tried again at the next tick, three times before a token ends; the API server being away is reported by everybody.
    renewAll().catch(() => undefined);
  }, renewalIntervalMilliseconds);
  timer.unref();
  return { kubeconfigOf, stop: () => clearInterval(timer) };
}
