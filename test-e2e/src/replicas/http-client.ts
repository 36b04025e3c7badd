/**
 * A client that tells exactly what it knows: an answer, or that there was none. The clients of Krate try again and reconnect,
 * which is what a test of single requests must not do.
 */
import { Agent, type RequestOptions, request as startRequest } from "node:https";

export interface Answer {
  /** 0: no answer came; whatever was asked for may or may not have happened. */
  status: number;
  /** Parsed JSON; undefined when there is none. */
  body: unknown;
}

export interface RequestParts {
  body?: unknown;
  /** @defaultValue application/json */
  contentType?: string;
  /** @defaultValue 15 s */
  timeoutMilliseconds?: number;
}

export interface LineStream {
  status: number;
  /** Ends with the stream, however that ends. */
  lines: AsyncIterable<string>;
  /** How a stream ended that `lines` has read to its end. */
  endedCleanly(): boolean;
  destroy(): void;
}

export interface Client {
  /** Never throws. */
  request(method: string, path: string, parts?: RequestParts): Promise<Answer>;
  /** A watch. Undefined: no answer came. Other than 200: `lines` has the Status. */
  stream(path: string, signal: AbortSignal): Promise<LineStream | undefined>;
  close(): Promise<void>;
}

export interface Credentials {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

const defaultTimeoutMilliseconds = 15_000;

export function httpClient(url: string, credentials: Credentials): Client {
  const agent = new Agent({ ...credentials, keepAlive: true });
  const { hostname, port } = new URL(url);
  const base: RequestOptions = { hostname, port, agent };

  return {
    request: (method, path, parts = {}) =>
      new Promise((resolve) => {
        const body = parts.body === undefined ? undefined : JSON.stringify(parts.body);
        const headers = {
          accept: "application/json",
          ...(body !== undefined && {
            "content-type": parts.contentType ?? "application/json",
            "content-length": Buffer.byteLength(body),
          }),
        };
        const timeout = AbortSignal.timeout(parts.timeoutMilliseconds ?? defaultTimeoutMilliseconds);
        const outgoing = startRequest({ ...base, method, path, headers, signal: timeout }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", () => resolve(noAnswer));
          incoming.on("close", () => resolve(incoming.complete ? answerOf(incoming.statusCode, chunks) : noAnswer));
        });
        outgoing.on("error", () => resolve(noAnswer));
        outgoing.end(body);
      }),
    stream: (path, signal) =>
      new Promise((resolve) => {
        const headers = { accept: "application/json" };
        // An agent of its own: a watch keeps its connection for as long as it lives.
        const outgoing = startRequest(
          { ...base, ...credentials, agent: false, method: "GET", path, headers, signal },
          (incoming) => {
            resolve({
              status: incoming.statusCode ?? 0,
              lines: linesOf(incoming),
              endedCleanly: () => incoming.complete,
              destroy: () => outgoing.destroy(),
            });
          },
        );
        outgoing.on("error", () => resolve(undefined)); // after the answer: `lines` ends
        outgoing.end();
      }),
    async close() {
      agent.destroy();
    },
  };
}

const noAnswer: Answer = { status: 0, body: undefined };

function answerOf(status: number | undefined, chunks: readonly Buffer[]): Answer {
  const text = Buffer.concat(chunks).toString();
  try {
    return { status: status ?? 0, body: JSON.parse(text) };
  } catch {
    return { status: status ?? 0, body: undefined };
  }
}

/** Whole lines only: what a connection that broke left of one is dropped. */
async function* linesOf(incoming: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of incoming) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // the stream broke; who reads sees its end and asks endedCleanly()
  }
}
