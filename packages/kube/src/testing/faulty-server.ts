/** Test only: an HTTP server that misbehaves exactly as a test tells it to. A fault injector, not an API server. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FaultyServer {
  url: string;
  /** Cuts every connection in the middle of whatever it carries. */
  cut(): void;
  close(): Promise<void>;
}

export async function faultyServer(
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<FaultyServer> {
  const server = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    cut: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
