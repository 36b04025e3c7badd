/** git-gateway: configuration, client, then serve until a signal. */
import { kubeClient, loadKubeConfig } from "@krate/kube";
import { createLogger } from "@krate/telemetry";
import { readConfig } from "./config.ts";
import { runGateway } from "./gateway.ts";

const log = createLogger({ component: "git-gateway" });
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.once(signal, () => stop.abort(new Error(`received ${signal}`)));

try {
  const config = readConfig(process.env);
  const client = kubeClient(await loadKubeConfig(config.kubeconfig), {
    userAgent: "git-gateway",
    fieldManager: "git-gateway",
  });
  await runGateway(config, { client, log }, stop.signal);
  await client.close();
} catch (error) {
  log.fatal({ err: error }, "git-gateway cannot run");
  process.exitCode = 1;
}
