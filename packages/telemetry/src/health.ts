/** `/livez`, `/readyz`, `/metrics` over plain HTTP. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HealthOptions {
  address: { host: string; port: number };
  /** What is not ready yet, by name; empty = ready. */
  notReady(): readonly string[] | Promise<readonly string[]>;
  metrics?: { contentType: string; render(): Promise<string> };
}

export interface HealthServer {
  /** `http://host:port` */
  url: string;
  close(): Promise<void>;
}

/** Serves them on an address of their own, so that they need no token and are never exposed with the program's work. */
export async function healthServer({ address, notReady, metrics }: HealthOptions): Promise<HealthServer> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url?.split("?")[0];
    if (path === "/metrics" && metrics) {
      response.writeHead(200, { "content-type": metrics.contentType }).end(await metrics.render());
    } else if (path === "/livez" || path === "/healthz") {
      response.writeHead(200).end("ok\n");
    } else if (path === "/readyz") {
      const missing = await notReady();
      if (missing.length === 0) response.writeHead(200).end("ok\n");
      else response.writeHead(503).end(`not ready: ${missing.join(", ")}\n`);
    } else response.writeHead(404).end("not found: /livez, /readyz and /metrics are served\n");
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${error.message}\n`);
    });
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
