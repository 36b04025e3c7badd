/**
 * `GET /search?q=QUERY&namespace=&repository=&limit=&continue=` with a Kubernetes token. Stages of a request, with how each can end:
 *
 *   route 404/405 → token 401 → parameters 400 → limit of the caller 429 → repositories the caller may read → search 200/400/429/504
 *
 * A repository that the caller may not read is not searched: it is as if it did not exist.
 */
import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { ApiError } from "@krate/kinds";
import { type KubeClient, tokenReview } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import { type Caller, ReadableRepositories, type SearchableRepository } from "../access/readable.ts";
import { BusyError, type CodeSearch, type FoundFile } from "../engine/code-search.ts";
import { JobError } from "../engine/thread-pool.ts";
import { QueryError } from "../query/query-error.ts";
import { CallerLimit } from "./caller-limit.ts";
import { continueToken, readParameters } from "./parameters.ts";

export interface SearchServerOptions {
  client: KubeClient;
  engine: CodeSearch;
  /** All repositories there are, in the order of results. */
  repositories(): readonly SearchableRepository[];
  tls?: { cert: string; key: string } | undefined;
  log: Logger;
  onSearch?(outcome: { status: number; seconds: number }): void;
}

export interface SearchServer {
  /** Answers the port. */
  listen(address: { host: string; port: number }): Promise<number>;
  close(): Promise<void>;
}

const searchesPerCaller = 4;
const requestTimeoutMs = 30_000;
const maxTokenLength = 16 * 1024;

export function createSearchServer(options: SearchServerOptions): SearchServer {
  const readable = new ReadableRepositories(options.client);
  const limit = new CallerLimit(searchesPerCaller);
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void serve(request, response, { ...options, readable, limit });
  const settings = { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, keepAliveTimeout: 15_000 };
  const server = options.tls
    ? createTlsServer({ ...settings, ...options.tls }, listener)
    : createServer(settings, listener);
  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          const address = server.address();
          resolve(typeof address === "object" && address ? address.port : port);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Serving extends SearchServerOptions {
  readable: ReadableRepositories;
  limit: CallerLimit;
}

async function serve(request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const started = performance.now();
  const requestId = randomUUID();
  const gone = new AbortController();
  response.once("close", () => gone.abort(new Error("the client closed the connection")));
  response.setHeader("x-request-id", requestId);
  try {
    const answer = await search(request, gone.signal, serving);
    send(response, 200, answer);
  } catch (error) {
    const problem = problemOf(error, requestId);
    if (problem.code >= 500 && !gone.signal.aborted) serving.log.error({ err: error, requestId }, "a search failed");
    if (problem.code === 401) response.setHeader("www-authenticate", 'Bearer realm="Krate: a Kubernetes token"');
    if (problem.code === 429) response.setHeader("retry-after", "1");
    send(response, problem.code, problem.toStatus());
  } finally {
    serving.onSearch?.({ status: response.statusCode, seconds: (performance.now() - started) / 1000 });
  }
}

async function search(request: IncomingMessage, signal: AbortSignal, serving: Serving): Promise<object> {
  const url = new URL(request.url ?? "/", "http://search");
  if (url.pathname !== "/search")
    throw new ApiError("NotFound", `there is nothing at ${url.pathname}: searches go to /search?q=…`);
  if (request.method !== "GET") throw new ApiError("MethodNotAllowed", `${request.method} is not served here: use GET`);
  const caller = await callerOf(request, serving.client);
  const { query, namespace, repository, limit, after } = readParameters(url.searchParams);
  const leave = serving.limit.enter(caller.user.username);
  if (!leave)
    throw new ApiError(
      "TooManyRequests",
      `you have ${searchesPerCaller} searches under way, which is the limit; wait for one to end`,
    );
  try {
    const asked = serving
      .repositories()
      .filter((found) => (!namespace || found.namespace === namespace) && (!repository || found.name === repository));
    const repositories = await serving.readable.filter(caller, asked);
    const answer = await serving.engine.search({ query, repositories, limit, after, signal });
    return {
      files: answer.files.map(shownFile),
      incomplete: answer.incomplete,
      ...(answer.next && { continue: continueToken(answer.next) }),
    };
  } finally {
    leave();
  }
}

function shownFile({ repository, ...file }: FoundFile): object {
  return { namespace: repository.namespace, repository: repository.name, ...file };
}

async function callerOf(request: IncomingMessage, client: KubeClient): Promise<Caller> {
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (!token || token.length > maxTokenLength)
    throw new ApiError("Unauthorized", "sign in to search: send a Kubernetes token as Authorization: Bearer …");
  const review = await tokenReview(client, token);
  if (!review.authenticated) throw new ApiError("Unauthorized", "the token is not valid or has expired: sign in again");
  return { user: review.user, token };
}

function problemOf(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof QueryError) return new ApiError("BadRequest", error.message, { cause: error });
  if (error instanceof BusyError) return new ApiError("TooManyRequests", error.message, { cause: error });
  if (error instanceof JobError && (error.kind === "Timeout" || error.kind === "Memory"))
    return new ApiError(
      "Timeout",
      "the search took too much: narrow it with file:, lang: or repo:, or give it longer words",
      {
        cause: error,
      },
    );
  return new ApiError("InternalError", `the search failed; request id ${requestId}`, { cause: error });
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(JSON.stringify(body));
}
