/** The program itself on a free port: `run()` with certificates in a temporary folder, in memory, and a kubeconfig for an administrator. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { certificateAuthority, issueCertificate, signingKeyFiles } from "@krate/pki";
import { createLogger } from "@krate/telemetry";
import { temporaryFolder } from "@krate/testing";
import { readConfig } from "../config.ts";
import { type RunningServer, run } from "../run.ts";

export interface RealServer {
  kubeconfig: string;
  running: RunningServer;
  folder: string;
  stop(): Promise<void>;
}

/** @param environment besides what standalone mode in memory needs */
export async function realServer(environment: Record<string, string> = {}): Promise<RealServer> {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const ca = await certificateAuthority(at("ca"), "test-ca");
  const hosts = ["127.0.0.1", "localhost", "krate-apiserver.krate-system.svc"];
  const serving = await issueCertificate(ca, at("serving"), { name: "krate-apiserver", hosts });
  const admin = await issueCertificate(ca, at("admin"), { name: "admin", groups: ["system:masters"] });
  const { privateKeyFile } = await signingKeyFiles(at("service-account"));
  const config = readConfig({
    KRATE_API_MODE: "standalone",
    KRATE_API_ADDRESS: "127.0.0.1:0",
    KRATE_STORAGE: "memory",
    KRATE_TLS_CERT_FILE: serving.certFile,
    KRATE_TLS_KEY_FILE: serving.keyFile,
    KRATE_CA_FILE: ca.certFile,
    KRATE_CLIENT_CA_FILE: ca.certFile,
    KRATE_SERVICE_ACCOUNT_KEY_FILE: privateKeyFile,
    ...environment,
  });
  const running = await run(config, createLogger({ component: "apiserver", level: "silent" }));
  const data = async (file: string) => (await readFile(file)).toString("base64");
  const kubeconfig = at("kubeconfig");
  const cluster = {
    server: `https://127.0.0.1:${running.listener.port}`,
    "certificate-authority-data": await data(ca.certFile),
  };
  const user = { "client-certificate-data": await data(admin.certFile), "client-key-data": await data(admin.keyFile) };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      "current-context": "test",
      clusters: [{ name: "test", cluster }],
      users: [{ name: "test", user }],
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    }),
  );
  return {
    kubeconfig,
    running,
    folder: folder.path,
    stop: async () => {
      await running.stop();
      await folder.remove();
    },
  };
}
