/** Health and metrics on plain HTTP for whoever runs this process; no credentials, no other path. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RequestContext } from "../context.ts";
import { compose } from "../pipeline.ts";
import type { Services } from "../services.ts";
import { recover } from "../stages/recover.ts";
import { reply } from "../stages/reply.ts";
import { requestId } from "../stages/request-id.ts";
import { route } from "../stages/route.ts";
import { Http1Exchange } from "./http1-exchange.ts";

const openPath = /^\/(?:livez|readyz|healthz)(?:\/|$)|^\/metrics$/;

export interface HealthListener {
  readonly port: number;
  close(): Promise<void>;
}

export async function listenForHealth(
  services: Services,
  { host, port }: { host: string; port: number },
): Promise<HealthListener> {
  const run = compose([
    ["requestId", requestId],
    ["recover", recover],
    ["route", route(services.routes.filter(({ path }) => openPath.test(path)))],
    ["reply", reply],
  ]);
  const server = createServer((request, response) => {
    const exchange = new Http1Exchange(request, response, { address: request.socket.remoteAddress ?? "" });
    const ctx = new RequestContext(services, exchange, new URLSearchParams(exchange.query));
    Promise.resolve(run(ctx)).catch((err: unknown) =>
      services.log.error({ err }, "a health check could not be answered"),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
