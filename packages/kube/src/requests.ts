/**
 * Sends one request with everything a good client owes a server: identity, deadline, Retry-After, one retry after a stale
 * credential, retries where nothing can have happened, and errors as `ApiError`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, type Status } from "@krate/kinds";
import type { Credentials } from "./credentials.ts";
import { ConnectionLost, type Transport, type TransportResponse } from "./transport/index.ts";

export interface Sender {
  send(request: OutgoingRequest): Promise<TransportResponse>;
}

export interface OutgoingRequest {
  method: string;
  path: string;
  headers: Record<string, string | string[]>;
  body?: Buffer;
  signal?: AbortSignal;
  /** Until the end of the answer, or of its head for a stream. @defaultValue none */
  timeoutSeconds?: number;
  stream?: boolean;
}

/** One answer, or one attempt that got none. */
export interface AnsweredRequest {
  method: string;
  /** Undefined when there was no answer. */
  status: number | undefined;
  seconds: number;
}

/** client-go retries as often. */
const maxRetries = 10;
/** Error bodies are Status objects; anything longer is not one. */
const maxErrorBodyBytes = 1024 * 1024;

export function sender(
  server: string,
  plain: Transport,
  credentials: Credentials,
  { token, onAnswer }: { token?: string | undefined; onAnswer?: ((answer: AnsweredRequest) => void) | undefined } = {},
): Sender {
  const transport = onAnswer === undefined ? plain : observed(plain, onAnswer);
  return {
    async send(request) {
      const deadline = startDeadline(request);
      try {
        const response = await attempts(transport, credentials, token, { ...request, signal: deadline.signal });
        if (request.stream) deadline.stopTimer();
        response.body.once("close", deadline.dispose);
        return response;
      } catch (error) {
        deadline.dispose();
        if (deadline.signal?.aborted && error === deadline.signal.reason) throw error;
        if (error instanceof ApiError) throw error;
        const why = (error as Error).message;
        throw new ApiError("ServiceUnavailable", `cannot reach the API server at ${server}: ${why}`, { cause: error });
      }
    },
  };
}

function observed(transport: Transport, onAnswer: (answer: AnsweredRequest) => void): Transport {
  return {
    async request(request) {
      const since = performance.now();
      const tell = (status: number | undefined) =>
        onAnswer({ method: request.method, status, seconds: (performance.now() - since) / 1000 });
      try {
        const response = await transport.request(request);
        tell(response.status);
        return response;
      } catch (error) {
        tell(undefined);
        throw error;
      }
    },
    close: () => transport.close(),
  };
}

async function attempts(
  transport: Transport,
  credentials: Credentials,
  token: string | undefined,
  request: OutgoingRequest,
): Promise<TransportResponse> {
  let refreshed = false;
  for (let attempt = 0; ; attempt++) {
    const authorization = token ? `Bearer ${token}` : await credentials.authorization();
    const headers = authorization ? { ...request.headers, authorization } : request.headers;
    let response: TransportResponse;
    try {
      response = await transport.request({ ...request, headers });
    } catch (error) {
      const repeatable = error instanceof ConnectionLost && (error.notProcessed || request.method === "GET");
      if (!repeatable || attempt >= 1) throw error;
      continue;
    }
    if (response.status < 400) return response;
    const error = await errorOf(response);
    if (error.code === 401 && !refreshed && !token && credentials.refresh()) {
      refreshed = true;
      continue;
    }
    const waitSeconds = error.details?.retryAfterSeconds;
    const retry = response.headers["retry-after"] !== undefined && (error.code === 429 || error.code >= 500);
    if (!retry || waitSeconds === undefined || attempt >= maxRetries || request.timeoutSeconds === undefined)
      throw error;
    if (waitSeconds >= request.timeoutSeconds) throw error;
    await sleep(waitSeconds * 1000, undefined, { signal: request.signal }).catch(() => {
      throw request.signal?.reason;
    });
  }
}

async function errorOf(response: TransportResponse): Promise<ApiError> {
  const text = await readText(response, maxErrorBodyBytes).catch(() => "");
  const retryAfter = Number(response.headers["retry-after"]);
  let status: Partial<Status>;
  try {
    const parsed = JSON.parse(text) as Partial<Status>;
    status = parsed.kind === "Status" ? parsed : { message: text.slice(0, 512) };
  } catch {
    status = { message: text === "" ? `the server answered ${response.status}` : text.trim().slice(0, 512) };
  }
  if (Number.isFinite(retryAfter) && status.details?.retryAfterSeconds === undefined)
    status = { ...status, details: { ...status.details, retryAfterSeconds: retryAfter } };
  return ApiError.fromStatus(status, response.status);
}

/** The whole body; @throws when it is longer than `maxBytes` or the connection is lost before its end. */
export function readBytes({ body }: TransportResponse, maxBytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    body.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) body.destroy(new Error(`the answer is longer than ${maxBytes} bytes`));
      else chunks.push(chunk);
    });
    body.once("end", () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)));
    body.once("error", reject);
    body.once("close", () => reject(new Error("the connection was lost in the middle of the answer")));
    body.resume();
  });
}

export async function readText(response: TransportResponse, maxBytes?: number): Promise<string> {
  return (await readBytes(response, maxBytes)).toString("utf8");
}

/** A signal that fires with `Timeout` after `timeoutSeconds`, or when the caller's does. Dispose it when the body has ended. */
function startDeadline(request: OutgoingRequest): { signal?: AbortSignal; stopTimer(): void; dispose(): void } {
  const { timeoutSeconds, signal, method, path } = request;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const stop = () =>
    controller.abort(new ApiError("Timeout", `no answer to ${method} ${path} within ${timeoutSeconds} s`));
  const timer = timeoutSeconds === undefined ? undefined : setTimeout(stop, timeoutSeconds * 1000);
  const forward = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", forward, { once: true });
  const stopTimer = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    stopTimer,
    dispose() {
      stopTimer();
      signal?.removeEventListener("abort", forward);
    },
  };
}
