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
  limits?: Partial<ConnectionLimits>;
}

/** What one connection may cost before anybody knows whose it is. */
export interface ConnectionLimits {
  /** More are closed as they come. */
  maxConnections: number;
  handshakeMilliseconds: number;
  /** HTTP/1.1: from the connection, or the first byte of a later request, to the end of the headers. Answered with 408. */
  headersMilliseconds: number;
  /** A connection without a request is closed after this. */
  idleMilliseconds: number;
  /** Names and values of one request's headers. HTTP/1.1 answers 431, HTTP/2 refuses the stream. */
  maxHeaderBytes: number;
  maxHeaders: number;
  /** HTTP/2: requests at a time; streams that are reset faster than this end the connection (CVE-2023-44487). */
  maxStreams: number;
  resetBurst: number;
  resetsPerSecond: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  maxConnections: 10_000,
  handshakeMilliseconds: 10_000,
  headersMilliseconds: 32_000, // kube-apiserver's ReadHeaderTimeout
  idleMilliseconds: 90_000, // and its IdleTimeout
  // A user's groups come as headers, one each; Node's defaults are 16 KiB and 128.
  maxHeaderBytes: 128 * 1024,
  maxHeaders: 1000,
  // client-go multiplexes all its watches on one connection; kube-apiserver's own limit of 250 is low for an aggregator.
  maxStreams: 2000,
  resetBurst: 1000,
  resetsPerSecond: 100,
};

export interface Listener {
  readonly host: string;
  readonly port: number;
  /** New certificates for connections from now on. */
  setTls(options: SecureContextOptions): void;
  /** Takes no more connections, asks clients to leave, and cuts what is left after `graceMilliseconds`. */
  close(graceMilliseconds?: number): Promise<void>;
}

/** Upload of a 1.5 MB object in few round trips; kube-apiserver uses the same. */
const initialWindowBytes = 256 * 1024;
const defaultGraceMilliseconds = 3000;

export async function listen({
  host = "127.0.0.1",
  port,
  tls,
  onRequest,
  limits: given,
}: ListenOptions): Promise<Listener> {
  const limits = { ...defaultConnectionLimits, ...given };
  const peers = new WeakMap<object, Peer>();
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<TLSSocket>();
  const http2 = createHttp2Server({
    settings: {
      maxConcurrentStreams: limits.maxStreams,
      initialWindowSize: initialWindowBytes,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
    maxSessionMemory: 64,
    maxHeaderListPairs: limits.maxHeaders,
    streamResetBurst: limits.resetBurst,
    streamResetRate: limits.resetsPerSecond,
  });
  const http1 = createHttp1Server(
    {
      keepAliveTimeout: limits.idleMilliseconds,
      headersTimeout: limits.headersMilliseconds,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: Math.min(limits.headersMilliseconds, checkMilliseconds),
    },
    (request, response) => onRequest(new Http1Exchange(request, response, peerOf(request.socket as TLSSocket, peers))),
  );
  http1.maxHeadersCount = limits.maxHeaders;
  // It never listens itself, and only then would it look after its connections' time.
  http1.emit("listening");
  http2.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
    closeWhenIdle(session, limits.idleMilliseconds);
  });
  http2.on("stream", (stream, headers: IncomingHttpHeaders, _flags, ...rest) => {
    const rawHeaders = (rest as unknown[])[0] as string[];
    onRequest(new Http2Exchange(stream, headers, rawHeaders, peers.get(stream.session as object) ?? { address: "" }));
  });
  const server = createTlsServer(
    {
      ...tls,
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: limits.handshakeMilliseconds,
    },
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
  server.maxConnections = limits.maxConnections;
  server.on("tlsClientError", (_error, socket) => socket.destroy()); // Node leaves one that timed out open
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
      http1.close(() => {}); // "not running": it never listened; its idle connections are closed all the same
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMilliseconds);
      await closed;
      clearTimeout(cut);
    },
  };
}

const checkMilliseconds = 5000;

/** Nothing came for this long, and nothing is asked: watches that are silent keep their connection. */
function closeWhenIdle(session: ServerHttp2Session, milliseconds: number): void {
  let streams = 0;
  session.on("stream", (stream) => {
    streams++;
    stream.on("close", () => {
      streams--;
    });
  });
  session.setTimeout(milliseconds, () => {
    if (streams === 0) session.close();
  });
}

function peerOf(socket: TLSSocket, peers: WeakMap<object, Peer>): Peer {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const peer: Peer = { address: socket.remoteAddress ?? "", socket };
  peers.set(socket, peer);
  return peer;
}
