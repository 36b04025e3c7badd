/**
 * A load generator over HTTP/2: a fixed number of requests in flight on a few connections, for a fixed time. The same code
 * loads Krate and the anchor, so what it costs itself is the same for both.
 */
import { type ClientHttp2Session, connect } from "node:http2";

export interface Target {
  url: string;
  ca: Buffer;
  token: string;
}

export interface RequestPlan {
  method: "GET" | "POST";
  path: string;
  body?: Buffer;
}

export interface LoadOptions {
  /** Requests in flight. */
  concurrency: number;
  /** Connections they share. @defaultValue 4 */
  connections?: number;
  /** How long to send; requests under way are waited for. */
  seconds: number;
  /** The request with this number, counted from 0. */
  plan(number: number): RequestPlan;
}

export interface LoadResult {
  requests: number;
  perSecond: number;
  p50Milliseconds: number;
  p99Milliseconds: number;
  megabytesPerSecond: number;
}

interface Answer {
  status: number;
  bytes: number;
  text: string;
}

function open({ url, ca }: Target): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { ca, settings: { initialWindowSize: 1 << 24 } });
    session.once("connect", () => {
      session.setLocalWindowSize(1 << 24);
      resolve(session);
    });
    session.once("error", reject);
  });
}

/** One request; the body is counted, and kept only when the answer is an error. */
export function send(session: ClientHttp2Session, target: Target, plan: RequestPlan): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": plan.method,
      ":path": plan.path,
      authorization: `Bearer ${target.token}`,
      accept: "application/json",
      ...(plan.body && { "content-type": "application/json" }),
    });
    let status = 0;
    let bytes = 0;
    const errorText: Buffer[] = [];
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (status >= 400) errorText.push(chunk);
    });
    stream.on("end", () => resolve({ status, bytes, text: Buffer.concat(errorText).toString() }));
    stream.on("error", reject);
    stream.end(plan.body);
  });
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Loads the target. @throws Error with the answer when a request is refused: a benchmark of refusals says nothing. */
export async function load(target: Target, options: LoadOptions): Promise<LoadResult> {
  const sessions = await Promise.all(Array.from({ length: options.connections ?? 4 }, () => open(target)));
  const latencies: number[] = [];
  let bytes = 0;
  let next = 0;
  const startedAt = performance.now();
  const end = startedAt + options.seconds * 1000;
  const worker = async (session: ClientHttp2Session) => {
    while (performance.now() < end) {
      const plan = options.plan(next++);
      const sentAt = performance.now();
      const answer = await send(session, target, plan);
      if (answer.status >= 300)
        throw new Error(`${plan.method} ${plan.path} answered ${answer.status}: ${answer.text}`);
      latencies.push(performance.now() - sentAt);
      bytes += answer.bytes;
    }
  };
  try {
    await Promise.all(
      Array.from({ length: options.concurrency }, (_, i) =>
        worker(sessions[i % sessions.length] as ClientHttp2Session),
      ),
    );
  } finally {
    for (const session of sessions) session.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = Float64Array.from(latencies).sort();
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    p50Milliseconds: percentile(sorted, 0.5),
    p99Milliseconds: percentile(sorted, 0.99),
    megabytesPerSecond: bytes / seconds / 1e6,
  };
}

/** Sends a fixed list of requests, some at a time: preparation, not measured. */
export async function sendAll(target: Target, plans: Iterable<RequestPlan>, concurrency = 32): Promise<void> {
  const session = await open(target);
  const queue = plans[Symbol.iterator]();
  const worker = async () => {
    for (let item = queue.next(); !item.done; item = queue.next()) {
      const answer = await send(session, target, item.value);
      if (answer.status >= 300 && answer.status !== 409) {
        throw new Error(`${item.value.method} ${item.value.path} answered ${answer.status}: ${answer.text}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    session.close();
  }
}
