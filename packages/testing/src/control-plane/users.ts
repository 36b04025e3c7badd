import { join } from "node:path";
import { certificateAuthority, issueCertificate, writeKubeconfig } from "@krate/pki";
import type { ControlPlaneInfo } from "./start.ts";

export interface UserRequest {
  name: string;
  /** @defaultValue none (system:authenticated comes by itself) */
  groups?: string[];
  /** @defaultValue default */
  namespace?: string;
}

/**
 * Writes a kubeconfig for a user with a client certificate of the control plane's authority and returns its path. A
 * process node is the user `system:node:<name>` in group `system:nodes`.
 */
export async function kubeconfigFor(info: ControlPlaneInfo, user: UserRequest): Promise<string> {
  const fileName = user.name.replaceAll(/[^A-Za-z0-9.-]+/g, "_");
  const ca = await certificateAuthority(join(info.dataFolder, "pki", "ca"), "krate-control-plane-ca");
  const credential = await issueCertificate(ca, join(info.dataFolder, "users", fileName), user);
  const file = join(info.dataFolder, "users", `${fileName}.kubeconfig`);
  writeKubeconfig(file, { server: info.url, caFile: info.caFile }, [
    { name: user.name, user: credential, namespace: user.namespace },
  ]);
  return file;
}
