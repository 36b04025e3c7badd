/**
 * Asks webhooks over HTTPS. Core `https` instead of a library: one agent pools connections by address and CA, and nothing here needs more.
 */

import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { isIP } from "node:net";
import type { Endpoint } from "./endpoint.ts";

/** A patch that replaces a whole object of 1.5 MiB, in base64, fits twice. */
export const maxAnswerBytes = 4 * 1024 * 1024;

/** Connections to one webhook; more calls wait for one. */
const maxSocketsPerHost = 128;
const maxIdleSocketsPerHost = 16;
/** A connection nobody used for so long is closed; Go's default is 90 s. */
const idleMilliseconds = 60_000;

export interface WebhookAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** A call that brought no answer. `message` says why, in the words of Go's HTTP client where they are known. */
export class CallFailed extends Error {
  /** The request the call was made for ended first: client gone or deadline. */
  readonly canceled: boolean;

  constructor(message: string, { canceled = false, cause }: { canceled?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.name = "CallFailed";
    this.canceled = canceled;
  }
}

export interface WebhookClient {
  /** @throws CallFailed */
  post(endpoint: Endpoint, body: string, options: CallOptions): Promise<WebhookAnswer>;
  close(): void;
}

export interface CallOptions {
  timeoutSeconds: number;
  /** Ends when the request that is being admitted does. */
  signal: AbortSignal;
}

export function webhookClient(): WebhookClient {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: maxSocketsPerHost,
    maxFreeSockets: maxIdleSocketsPerHost,
    timeout: idleMilliseconds,
  });
  return {
    post: (endpoint, body, options) => post(agent, endpoint, body, options),
    close: () => agent.destroy(),
  };
}

async function post(
  agent: Agent,
  endpoint: Endpoint,
  body: string,
  { timeoutSeconds, signal }: CallOptions,
): Promise<WebhookAnswer> {
  const url = new URL(endpoint.url);
  url.searchParams.set("timeout", `${timeoutSeconds}s`);
  const expiry = AbortSignal.timeout(timeoutSeconds * 1000);
  const ended = AbortSignal.any([signal, expiry]);
  const attempt = () => exchange(agent, { url, endpoint, body, signal: ended });
  try {
    return await attempt().catch((error: unknown) => (isStale(error) ? attempt() : Promise.reject(error)));
  } catch (error) {
    const canceled = signal.aborted;
    const why = canceled
      ? "context canceled"
      : expiry.aborted
        ? "context deadline exceeded"
        : reasonOf(error, endpoint);
    throw new CallFailed(`Post "${url.href}": ${why}`, { canceled, cause: error });
  }
}

/** The webhook closed an idle connection just when it was taken: nothing was answered, so it may be asked once more. */
class StaleConnection extends Error {}

function isStale(error: unknown): boolean {
  return error instanceof StaleConnection;
}

interface Call {
  url: URL;
  endpoint: Endpoint;
  body: string;
  signal: AbortSignal;
}

function exchange(agent: Agent, { url, endpoint, body, signal }: Call): Promise<WebhookAnswer> {
  const { address, ca } = endpoint;
  const name = url.hostname.replace(/^\[|\]$/g, "");
  const bytes = Buffer.from(body);
  return new Promise((resolve, reject) => {
    const call = request({
      agent,
      method: "POST",
      host: address?.host ?? name,
      port: address?.port ?? (url.port === "" ? 443 : Number(url.port)),
      path: `${url.pathname}${url.search}`,
      servername: isIP(name) === 0 ? name : "",
      ...(ca !== undefined && { ca }),
      headers: {
        host: url.host,
        "content-type": "application/json",
        accept: "application/json",
        "content-length": bytes.length,
        "user-agent": "kube-apiserver-admission",
      },
      signal,
    });
    call.on("error", (error: NodeJS.ErrnoException) =>
      reject(call.reusedSocket && error.code === "ECONNRESET" ? new StaleConnection("stale", { cause: error }) : error),
    );
    let answered = false;
    call.on("response", (answer) => {
      answered = true;
      void read(answer).then(resolve, reject);
    });
    // Without this nothing is told of an answer that switches protocols, nor of one that never was.
    call.on("upgrade", (_answer, socket) => {
      socket.destroy();
      reject(new Error("the webhook switched protocols"));
    });
    call.on("close", () => {
      if (!answered) reject(new Error("EOF"));
    });
    call.end(bytes);
  });
}

async function read(answer: IncomingMessage): Promise<WebhookAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) {
      answer.destroy();
      throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return {
    status: answer.statusCode ?? 0,
    contentType: answer.headers["content-type"] ?? "",
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

const untrusted = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
const tlsReasons: Record<string, string> = {
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  EPROTO: "http: server gave HTTP response to HTTPS client",
};

/** Go's words for what people meet; Node's for the rest. */
function reasonOf(error: unknown, { url, address }: Endpoint): string {
  const { code = "", message, syscall, hostname } = error as NodeJS.ErrnoException & { hostname?: string };
  const target = `${address?.host ?? url.hostname}:${address?.port ?? (url.port || "443")}`;
  if (code === "ECONNREFUSED") return `dial tcp ${target}: connect: connection refused`;
  if (code === "ENOTFOUND" || syscall === "getaddrinfo") return `dial tcp: lookup ${hostname ?? target}: no such host`;
  if (code === "ECONNRESET") return "EOF";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `tls: failed to verify certificate: x509: ${message}`;
  return tlsReasons[code] ?? message;
}
