import { createServer, type Server } from "node:http";

export interface HealthServerOptions {
  address: { host: string; port: number };
  /** Why the program is not ready, or undefined when it is. */
  notReady(): string | undefined;
  metrics: { render(): Promise<string>; contentType: string };
}

/** `/livez`, `/readyz` and `/metrics` on an address of their own, so that they need no token and are never exposed with Git. */
export async function startHealthServer({
  address,
  notReady,
  metrics,
}: HealthServerOptions): Promise<{ port: number; close(): void }> {
  const server: Server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (path === "/livez") return void response.end("ok\n");
    if (path === "/readyz") {
      const reason = notReady();
      response.statusCode = reason === undefined ? 200 : 503;
      return void response.end(`${reason ?? "ok"}\n`);
    }
    if (path === "/metrics") {
      response.setHeader("content-type", metrics.contentType);
      metrics.render().then(
        (text) => response.end(text),
        (error: Error) => response.writeHead(500).end(`${error.message}\n`),
      );
      return;
    }
    response.writeHead(404).end("not found: /livez, /readyz, /metrics\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address.port, address.host, resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound ? bound.port : address.port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
