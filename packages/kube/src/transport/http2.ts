/**
 * HTTP/2 over TLS: all requests of a process share one connection, watches included; a second one is opened only when the
 * server's stream limit is nearly reached. A session that does not answer a ping is cut, so that a watch over a dead
 * network ends with an error instead of silence (client-go: ReadIdleTimeout 30 s, PingTimeout 15 s).
 */
import * as http2 from "node:http2";
import type { TLSSocket } from "node:tls";
import { ConnectionLost, type Transport, type TransportRequest, type TransportResponse } from "./transport.ts";

const pingIntervalSeconds = 30;
const pingTimeoutSeconds = 15;
/** Kubernetes' own default is 250 streams (100 by RFC 9113's advice); used until the server's settings arrive. */
const assumedMaxStreams = 100;
const streamWindowBytes = 4 * 1024 * 1024;
const sessionWindowBytes = 16 * 1024 * 1024;

interface Session {
  session: http2.ClientHttp2Session;
  streams: number;
}

export function http2Transport(server: URL, connect: () => Promise<TLSSocket>): Transport {
  const sessions = new Set<Session>();
  let opening: Promise<Session> | undefined;

  const open = async (): Promise<Session> => {
    const socket = await connect();
    const session = http2.connect(server, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    const entry: Session = { session, streams: 0 };
    sessions.add(entry);
    const ping = setInterval(() => {
      const timeout = setTimeout(
        () => session.destroy(new Error("no answer to an HTTP/2 ping")),
        pingTimeoutSeconds * 1000,
      );
      timeout.unref();
      if (session.destroyed || !session.ping(() => clearTimeout(timeout))) clearTimeout(timeout);
    }, pingIntervalSeconds * 1000);
    ping.unref();
    const forget = () => {
      sessions.delete(entry);
      clearInterval(ping);
    };
    session.once("goaway", forget).once("close", forget);
    session.on("error", () => undefined); // every stream under way gets the same error; new requests open a new session
    session.once("connect", () => session.setLocalWindowSize(sessionWindowBytes));
    session.unref();
    return entry;
  };

  const hasRoom = ({ session, streams }: Session) =>
    !session.closed &&
    !session.destroyed &&
    streams < (session.remoteSettings?.maxConcurrentStreams ?? assumedMaxStreams) - 1;

  const acquire = async (): Promise<Session> => {
    for (const entry of sessions) if (hasRoom(entry)) return entry;
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return opening;
  };

  return {
    async request(input) {
      const entry = await acquire();
      input.signal?.throwIfAborted();
      return send(entry, input);
    },
    async close() {
      for (const { session } of sessions) session.destroy();
    },
  };
}

function send(entry: Session, input: TransportRequest): Promise<TransportResponse> {
  return new Promise((resolve, reject) => {
    let stream: http2.ClientHttp2Stream;
    try {
      stream = entry.session.request(
        { ":method": input.method, ":path": input.path, ...input.headers },
        { endStream: input.body === undefined },
      );
    } catch (error) {
      return reject(new ConnectionLost("the connection was closing", { cause: error, notProcessed: true }));
    }
    if (entry.streams++ === 0) entry.session.ref();
    const abort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
    input.signal?.addEventListener("abort", abort, { once: true });
    let answered = false;
    let failure: unknown;
    stream.once("response", (headers) => {
      answered = true;
      stream.pause(); // node discards the body of a finished stream nobody has touched yet; a paused one it keeps
      resolve({ status: headers[":status"] ?? 0, headers, body: stream });
    });
    stream.on("error", (error) => {
      failure = error;
    });
    // A stream cut by a reset ends like a finished one unless somebody turns it into an error.
    stream.once("aborted", () => {
      if (answered) stream.destroy(lost(input, stream, failure));
    });
    stream.once("close", () => {
      input.signal?.removeEventListener("abort", abort);
      if (--entry.streams === 0) entry.session.unref();
      if (!answered) reject(lost(input, stream, failure));
    });
    if (input.body !== undefined) stream.end(input.body);
  });
}

function lost(input: TransportRequest, stream: http2.ClientHttp2Stream, cause: unknown): Error {
  if (input.signal?.aborted) return input.signal.reason as Error;
  const message = cause instanceof Error ? cause.message : `the stream was reset (code ${stream.rstCode})`;
  const notProcessed = stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
  return new ConnectionLost(message, { cause, notProcessed });
}
