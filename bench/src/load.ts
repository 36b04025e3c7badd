/**
 * A load generator over HTTP/2: a fixed number of requests in flight on a few connections, for a fixed time. The same code
 * loads Krate and the anchor, so what it costs itself is the same for both.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection, type RequestPlan, type Target } from "./http2-connection.ts";

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

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Loads the target. @throws Error with the answer when a request is refused: a benchmark of refusals says nothing. */
export async function load(target: Target, options: LoadOptions): Promise<LoadResult> {
  const connections = await Promise.all(
    Array.from({ length: options.connections ?? 4 }, () => Connection.open(target)),
  );
  const latencies: number[] = [];
  let bytes = 0;
  let next = 0;
  const startedAt = performance.now();
  const end = startedAt + options.seconds * 1000;
  const worker = async (connection: Connection) => {
    while (performance.now() < end) {
      const plan = options.plan(next++);
      const sentAt = performance.now();
      const answer = await connection.send(plan);
      if (answer.status >= 300)
        throw new Error(`${plan.method} ${plan.path} answered ${answer.status}: ${answer.text}`);
      latencies.push(performance.now() - sentAt);
      bytes += answer.bytes;
    }
  };
  try {
    await Promise.all(
      Array.from({ length: options.concurrency }, (_, i) => worker(connections[i % connections.length] as Connection)),
    );
  } finally {
    for (const connection of connections) connection.close();
  }
  return resultOf(latencies, bytes, (performance.now() - startedAt) / 1000);
}

function resultOf(latencies: readonly number[], bytes: number, seconds: number): LoadResult {
  const sorted = Float64Array.from(latencies).sort();
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    p50Milliseconds: percentile(sorted, 0.5),
    p99Milliseconds: percentile(sorted, 0.99),
    megabytesPerSecond: bytes / seconds / 1e6,
  };
}

export interface RateOptions {
  /** Requests per second, sent when their time has come, whether the ones before are answered or not. */
  perSecond: number;
  seconds: number;
  plan(number: number): RequestPlan;
}

/** Loads the target at a fixed rate; a latency counts from when the request was due. @throws as {@link load} */
export async function loadAtRate(target: Target, { perSecond, seconds, plan }: RateOptions): Promise<LoadResult> {
  const connections = await Promise.all(Array.from({ length: 4 }, () => Connection.open(target)));
  const latencies: number[] = [];
  const startedAt = performance.now();
  const one = async (number: number) => {
    const due = startedAt + (number * 1000) / perSecond;
    await sleep(Math.max(due - performance.now(), 0));
    const each = plan(number);
    const answer = await (connections[number % connections.length] as Connection).send(each);
    if (answer.status >= 300) throw new Error(`${each.method} ${each.path} answered ${answer.status}: ${answer.text}`);
    latencies.push(performance.now() - due);
    return answer.bytes;
  };
  try {
    const sizes = await Promise.all(Array.from({ length: perSecond * seconds }, (_, number) => one(number)));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return resultOf(latencies, bytes, (performance.now() - startedAt) / 1000);
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Sends a fixed list of requests, some at a time: preparation, not measured. */
export async function sendAll(target: Target, plans: Iterable<RequestPlan>, concurrency = 32): Promise<void> {
  const connection = await Connection.open(target);
  const queue = plans[Symbol.iterator]();
  const worker = async () => {
    for (let item = queue.next(); !item.done; item = queue.next()) {
      const answer = await connection.send(item.value);
      if (answer.status >= 300 && answer.status !== 409) {
        throw new Error(`${item.value.method} ${item.value.path} answered ${answer.status}: ${answer.text}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    connection.close();
  }
}
