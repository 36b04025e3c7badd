/** Picks the transport of a server: HTTP/2 where TLS offers it, otherwise HTTP/1.1. */
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from "node:tls";
import type { Credentials } from "../credentials.ts";
import type { KubeConfig } from "../kube-config.ts";
import { http1Transport } from "./http1.ts";
import { http2Transport } from "./http2.ts";
import { ConnectionLost, type Transport } from "./transport.ts";

export { ConnectionLost, type Transport, type TransportRequest, type TransportResponse } from "./transport.ts";

const connectTimeoutSeconds = 30;

export function transportOf(config: KubeConfig, credentials: Credentials): Transport {
  const server = new URL(config.server);
  if (server.protocol === "http:") return http1Transport(server, undefined);
  let chosen: Transport | undefined;
  const tlsOptions = async (): Promise<ConnectionOptions> => ({
    ...(config.caBundle && { ca: config.caBundle }),
    ...(config.insecureSkipTlsVerify && { rejectUnauthorized: false }),
    ...(config.tlsServerName && { servername: config.tlsServerName }),
    ...(await credentials.tls()),
  });
  const connect = async (): Promise<TLSSocket> => {
    const socket = await openTls(server, { ...(await tlsOptions()), ALPNProtocols: ["h2", "http/1.1"] });
    if (socket.alpnProtocol === "h2") return socket;
    socket.destroy();
    throw new NoHttp2();
  };
  const viaHttp2 = http2Transport(server, connect);
  return {
    async request(request) {
      try {
        return await (chosen ?? viaHttp2).request(request);
      } catch (error) {
        if (!(error instanceof NoHttp2)) throw error;
        chosen ??= http1Transport(server, await tlsOptions());
        return chosen.request(request);
      }
    },
    async close() {
      await Promise.all([viaHttp2.close(), chosen?.close()]);
    },
  };
}

class NoHttp2 extends Error {}

function openTls(server: URL, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const host = server.hostname.replace(/^\[|\]$/g, "");
    const socket = tlsConnect({
      host,
      port: Number(server.port || 443),
      ...(isName(host) && { servername: host }),
      ...options,
    });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no TLS connection within ${connectTimeoutSeconds} s`)),
      connectTimeoutSeconds * 1000,
    );
    socket.setKeepAlive(true, 15_000);
    socket.setNoDelay(true);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(new ConnectionLost(error.message, { cause: error, notProcessed: true }));
    });
    socket.once("secureConnect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/** Server Name Indication is for names only (RFC 6066). */
function isName(host: string): boolean {
  return !/^[0-9.]+$/.test(host) && !host.includes(":");
}
