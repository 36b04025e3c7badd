/**
 * One TLS port for HTTP/2 and HTTP/1.1. ALPN decides, and each protocol gets the adapter that costs it least: HTTP/2 runs on
 * Node's core `stream` API. `http2.createSecureServer({ allowHTTP1: true })` cannot do that: a `request` listener for HTTP/1.1
 * puts every HTTP/2 stream through the compatibility API as well.
 */
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import type { Exchange, Peer } from "./exchange.ts";
import { Http1Exchange } from "./http1-exchange.ts";
import { Http2Exchange } from "./http2-exchange.ts";

export interface ListenOptions {
  /** @defaultValue '127.0.0.1' */
  host?: string;
  /** 0 picks a free one. */
  port: number;
  /** `cert`, `key`, and as `ca` every authority whose client certificates may be looked at. */
  tls: SecureContextOptions;
  onRequest: (exchange: Exchange) => void;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** New certificates for connections from now on. */
  setTls(options: SecureContextOptions): void;
  /** Takes no more connections, asks clients to leave, and cuts what is left after `graceMilliseconds`. */
  close(graceMilliseconds?: number): Promise<void>;
}

/** client-go multiplexes all its watches on one connection; kube-apiserver's own limit of 250 is low for an aggregator. */
const maxConcurrentStreams = 2000;
/** Upload of a 1.5 MB object in few round trips; kube-apiserver uses the same. */
const initialWindowBytes = 256 * 1024;
const defaultGraceMilliseconds = 3000;

export async function listen({ host = "127.0.0.1", port, tls, onRequest }: ListenOptions): Promise<Listener> {
  const peers = new WeakMap<object, Peer>();
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<TLSSocket>();
  const http2 = createHttp2Server({
    settings: { maxConcurrentStreams, initialWindowSize: initialWindowBytes },
    maxSessionMemory: 64,
  });
  const http1 = createHttp1Server({ keepAliveTimeout: 90_000 }, (request, response) => {
    onRequest(new Http1Exchange(request, response, peerOf(request.socket as TLSSocket, peers)));
  });
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
  });
  http2.on("stream", (stream, headers: IncomingHttpHeaders, _flags, ...rest) => {
    const rawHeaders = (rest as unknown[])[0] as string[];
    onRequest(new Http2Exchange(stream, headers, rawHeaders, peers.get(stream.session as object) ?? { address: "" }));
  });
  const server = createTlsServer(
    { ...tls, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] },
    (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.setNoDelay(true);
      if (socket.alpnProtocol !== "h2") {
        http1.emit("connection", socket);
        return;
      }
      const remember = (session: ServerHttp2Session) => peers.set(session, peerOf(socket, peers));
      http2.once("session", remember);
      http2.emit("connection", socket);
      http2.removeListener("session", remember);
    },
  );
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    setTls: (options) => server.setSecureContext(options),
    close: async (graceMilliseconds = defaultGraceMilliseconds) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.close();
      http1.closeIdleConnections();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMilliseconds);
      await closed;
      clearTimeout(cut);
    },
  };
}

function peerOf(socket: TLSSocket, peers: WeakMap<object, Peer>): Peer {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const peer: Peer = { address: socket.remoteAddress ?? "", socket };
  peers.set(socket, peer);
  return peer;
}
