import { readFile, writeFile } from "node:fs/promises";
import type { Credential } from "@krate/pki";

export interface KubeconfigOptions {
  url: string;
  caFile: string;
  user: string;
  credential: Credential;
  /** @defaultValue default */
  namespace?: string;
}

/** Writes a kubeconfig that needs no other file (JSON, which is YAML; mode 0600). */
export async function writeKubeconfig(file: string, options: KubeconfigOptions): Promise<void> {
  const { url, caFile, user, credential, namespace = "default" } = options;
  const base64 = async (path: string) => (await readFile(path)).toString("base64");
  const name = "krate-control-plane";
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server: url, "certificate-authority-data": await base64(caFile) } }],
    users: [
      {
        name: user,
        user: {
          "client-certificate-data": await base64(credential.certFile),
          "client-key-data": await base64(credential.keyFile),
        },
      },
    ],
    contexts: [{ name, context: { cluster: name, user, namespace } }],
    "current-context": name,
  };
  await writeFile(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
}
