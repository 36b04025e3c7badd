import "server-only";
import { readFileSync } from "node:fs";
import { type KubeClient, kubeClient } from "@krate/kube";
import { type ConsoleConfig, readConfig } from "./config.ts";
import { sessionKey } from "./session/key-file.ts";

/** What every request shares: configuration, the key of cookies, the connection to the API server. */
export interface Settings {
  config: ConsoleConfig;
  key: Uint8Array;
  /** Without credentials: always used through `.as({ token })`. */
  api: KubeClient;
}

let made: Settings | undefined;

/** Made at the first request: `next build` imports the pages without an environment. */
export function settings(): Settings {
  if (!made) {
    const config = readConfig(process.env);
    const { url, caFile } = config.api;
    const api = kubeClient(
      { server: url, auth: {}, ...(caFile && { caBundle: readFileSync(caFile) }) },
      { userAgent: "krate-console", fieldManager: "krate-console" },
    );
    made = { config, key: sessionKey(config.keyFile), api };
  }
  return made;
}
