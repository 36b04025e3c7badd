/** `/livez`, `/readyz`, `/metrics` over plain HTTP. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "@krate/telemetry/metrics";

export interface HealthOptions {
  address: { host: string; port: number };
  /** What is not ready yet, by name; empty = ready. */
  notReady: () => string[];
  metrics?: Metrics;
}

export interface HealthServer {
  /** `http://host:port` */
  url: string;
  close(): Promise<void>;
}

export async function healthServer({ address, notReady, metrics }: HealthOptions): Promise<HealthServer> {
  const server = createServer(async (request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/metrics" && metrics) {
      response.writeHead(200, { "content-type": metrics.contentType }).end(await metrics.render());
    } else if (path === "/livez" || path === "/healthz") {
      response.writeHead(200).end("ok\n");
    } else if (path === "/readyz") {
      const missing = notReady();
      if (missing.length === 0) response.writeHead(200).end("ok\n");
      else response.writeHead(503).end(`not ready: ${missing.join(", ")}\n`);
    } else response.writeHead(404).end("not found: /livez, /readyz and /metrics are served\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${address.host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
