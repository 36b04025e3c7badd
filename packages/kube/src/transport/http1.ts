/** HTTP/1.1 with keep-alive: for `http://` servers and for TLS servers that do not offer HTTP/2. */
import * as http from "node:http";
import * as https from "node:https";
import type { ConnectionOptions } from "node:tls";
import { ConnectionLost, type Transport, type TransportRequest, type TransportResponse } from "./transport.ts";

/** TCP keep-alive probes begin after this long without traffic. */
const keepAliveProbeSeconds = 15;

export function http1Transport(server: URL, tls: ConnectionOptions | undefined): Transport {
  const agentOptions = { keepAlive: true, keepAliveMsecs: keepAliveProbeSeconds * 1000, scheduling: "lifo" as const };
  const agent = tls ? new https.Agent({ ...agentOptions, ...tls }) : new http.Agent(agentOptions);
  const request = tls ? https.request : http.request;
  return {
    request: (input: TransportRequest) =>
      new Promise<TransportResponse>((resolve, reject) => {
        const headers = input.body ? { ...input.headers, "content-length": input.body.length } : input.headers;
        const outgoing = request({
          agent,
          host: server.hostname.replace(/^\[|\]$/g, ""),
          port: server.port || (tls ? 443 : 80),
          method: input.method,
          path: input.path,
          headers,
          ...(input.signal && { signal: input.signal }),
        });
        outgoing.once("response", (incoming) =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming }),
        );
        outgoing.once("error", (error: NodeJS.ErrnoException) => {
          if (input.signal?.aborted) return reject(input.signal.reason);
          const staleSocket = outgoing.reusedSocket && error.code === "ECONNRESET";
          const refused = error.code === "ECONNREFUSED" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN";
          reject(new ConnectionLost(error.message, { cause: error, notProcessed: refused || staleSocket }));
        });
        outgoing.end(input.body);
      }),
    async close() {
      agent.destroy();
    },
  };
}
