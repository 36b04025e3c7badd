/** Posts one attempt and answers what there is to record about it. Never throws: a failure is an outcome. */
import type { Readable } from "node:stream";
import { maxInlineDeliveryBytes } from "@krate/kinds";
import { redact, redactText } from "@krate/telemetry";
import axios, { type AxiosResponse } from "axios";
import type { GuardedAgents } from "../endpoint/guarded-agents.ts";
import { type Attempt, rfc3339 } from "./plan-attempt.ts";
import { signatureHeader, signedHeaders } from "./sign.ts";

export interface SendRequest {
  n: number;
  url: string;
  /** Identity of the delivery. */
  id: string;
  eventType: string;
  subscription: string;
  body: Buffer;
  secret: Buffer;
  /** Headers of the subscription. */
  extraHeaders: Record<string, string>;
  timeoutSeconds: number;
  signal: AbortSignal;
  now: () => Date;
}

export interface SendOutcome {
  attempt: Attempt;
  /** From a Retry-After header in seconds. */
  retryAfterSeconds?: number;
  /** The program is stopping: the outcome is unknown and must not be recorded. */
  interrupted: boolean;
}

/** Headers a subscription may not set: they are ours, or belong to the connection (RFC 9110 §7.6.1). */
const reservedHeaders =
  /^(host|content-length|content-type|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|user-agent|webhook-.*|x-krate-.*)$/i;

export async function sendAttempt(request: SendRequest, agents: GuardedAgents): Promise<SendOutcome> {
  const { n, url, body, signal, timeoutSeconds } = request;
  const at = request.now();
  const headers = requestHeaders(request, at);
  const started = performance.now();
  const record = (more: Partial<Attempt>): Attempt => ({
    n,
    at: rfc3339(at),
    url: redactText(url),
    requestHeaders: recorded(headers),
    latencyMs: Math.round((performance.now() - started) * 100) / 100,
    ...more,
  });
  const timeout = AbortSignal.timeout(timeoutSeconds * 1000);
  try {
    agents.checkLiteral(new URL(url).hostname);
    const response: AxiosResponse<Readable> = await axios.request({
      method: "POST",
      url,
      data: body,
      headers,
      responseType: "stream",
      maxRedirects: 0,
      proxy: false,
      decompress: false,
      validateStatus: () => true,
      transformRequest: [(data: unknown) => data],
      httpAgent: agents.http,
      httpsAgent: agents.https,
      signal: AbortSignal.any([signal, timeout]),
    });
    const answered = await readAtMost(response.data, maxInlineDeliveryBytes);
    const retryAfter = Number(response.headers["retry-after"]);
    return {
      interrupted: false,
      ...(Number.isFinite(retryAfter) && { retryAfterSeconds: retryAfter }),
      attempt: record({
        responseCode: response.status,
        responseHeaders: recorded(response.headers as Record<string, unknown>),
        responseBody: answered.text,
        responseTruncated: answered.truncated,
        ...(response.status >= 300 && response.status < 400 && { error: "redirects are not followed" }),
      }),
    };
  } catch (error) {
    const message = timeout.aborted ? `no complete answer within ${timeoutSeconds} s` : messageOf(error);
    return {
      interrupted: signal.aborted && !timeout.aborted,
      attempt: record({ error: redactText(message).slice(0, 1024) }),
    };
  }
}

function requestHeaders(request: SendRequest, at: Date): Record<string, string> {
  const { id, body, secret, eventType, subscription } = request;
  const extra = Object.entries(request.extraHeaders).filter(([name]) => !reservedHeaders.test(name));
  return {
    ...Object.fromEntries(extra),
    Accept: "*/*",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "Krate-Webhook/1",
    "X-Krate-Event": eventType,
    "X-Krate-Delivery": id,
    "X-Krate-Subscription": subscription,
    ...signedHeaders({ id, body, secret, at }),
  };
}

/** What is kept of headers: values that are or look like secrets are not. */
function recorded(headers: Record<string, unknown>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(redact({ ...headers }) as Record<string, unknown>).slice(0, 100)) {
    if (value === undefined || value === null) continue;
    const text = name.toLowerCase() === signatureHeader.toLowerCase() ? "[redacted]" : redactText(String(value));
    kept[name] = text.slice(0, 8192);
  }
  return kept;
}

async function readAtMost(body: Readable, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break; // leaving the loop destroys the stream
  }
  return clip(Buffer.concat(chunks), maxBytes);
}

/** The schema counts characters, a broken UTF-8 sequence becomes longer: clipped by both. */
function clip(bytes: Buffer, maxBytes: number): { text: string; truncated: boolean } {
  const text = bytes.subarray(0, maxBytes).toString("utf8").replaceAll("\0", "\uFFFD");
  return { text: text.slice(0, maxBytes), truncated: bytes.length > maxBytes };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const text = error.message || (error.cause instanceof Error ? error.cause.message : "") || error.name;
  return code && !text.includes(code) ? `${text} (${code})` : text;
}
