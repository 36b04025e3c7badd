import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { BackendRepository } from "@krate/git";
import type { Access } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import { advertiseReceivePack } from "../receive-pack/advertise.ts";
import { type GitServiceOptions, maxFetchRequestBytes, openFor, servePush } from "../services/git-services.ts";
import { advertiseUploadPack, uploadPack } from "../upload-pack/upload-pack.ts";
import { drain, requestBody } from "./body.ts";
import type { Route } from "./route.ts";

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  correlationId: string;
  /** Fires when the client is gone or the server must end. */
  signal: AbortSignal;
}

type GitRoute = Extract<Route, { kind: "info-refs" | "rpc" }>;

const noCache = {
  "cache-control": "no-cache, max-age=0, must-revalidate",
  pragma: "no-cache",
  expires: "Fri, 01 Jan 1980 00:00:00 GMT",
};

/** Serves one Git request whose access has been decided. */
export async function serveGit(
  route: GitRoute,
  access: Access,
  exchange: Exchange,
  options: GitServiceOptions,
): Promise<void> {
  await options.requestLimits.run(route.service, access.view, () => serveAdmitted(route, access, exchange, options));
}

async function serveAdmitted(
  route: GitRoute,
  access: Access,
  exchange: Exchange,
  options: GitServiceOptions,
): Promise<void> {
  const repository = await openFor(route.service, access.view, options);
  const type = route.kind === "info-refs" ? "advertisement" : "result";
  if (route.kind === "rpc") requireRequestType(exchange.request, route.service);
  const { response } = exchange;
  response.setHeader("content-type", `application/x-${route.service}-${type}`);
  for (const [name, value] of Object.entries(noCache)) response.setHeader(name, value);
  if (route.service === "git-receive-pack") {
    const pullRequests = access.identity.user === options.mergeIdentity;
    if (route.kind === "info-refs") response.end(await advertiseReceivePack(repository, { http: true, pullRequests }));
    else await receive(repository, access, exchange, options);
    return;
  }
  await serveFetch(route, repository, exchange, options);
}

function requireRequestType(request: IncomingMessage, service: string): void {
  const expected = `application/x-${service}-request`;
  if (request.headers["content-type"] !== expected) throw new GatewayError(415, `content type must be ${expected}`);
}

async function serveFetch(
  route: GitRoute,
  repository: BackendRepository,
  exchange: Exchange,
  options: GitServiceOptions,
): Promise<void> {
  const { request, response, signal } = exchange;
  const header = request.headers["git-protocol"];
  const upload = {
    protocol: typeof header === "string" ? header : undefined,
    signal,
    timeoutMs: options.fetchTimeoutMs,
  };
  if (route.kind === "info-refs") {
    const { header: service, stream } = advertiseUploadPack(repository, upload);
    response.write(service);
    await pipeline(stream.stdout, response);
    await stream.finished;
    return;
  }
  const body = requestBody(request, maxFetchRequestBytes);
  const small = await readSmall(body);
  if (small.whole) {
    await pipeline(await options.fetches.fetch(repository, small.bytes, upload), response);
    return;
  }
  const stream = uploadPack(repository, prefixed(small.bytes, body), upload);
  await pipeline(stream.stdout, response);
  await stream.finished;
}

/** Requests above this are the middle of a negotiation: nobody asks for just the same. */
const maxSharedRequestBytes = 64 * 1024;

/** A body as far as it is small; `whole` when that is all of it. */
async function readSmall(body: AsyncGenerator<Buffer>): Promise<{ bytes: Buffer; whole: boolean }> {
  const read: Buffer[] = [];
  for (let size = 0; size <= maxSharedRequestBytes; ) {
    const next = await body.next();
    if (next.done) return { bytes: Buffer.concat(read), whole: true };
    read.push(next.value);
    size += next.value.length;
  }
  return { bytes: Buffer.concat(read), whole: false };
}

async function* prefixed(bytes: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield bytes;
  yield* rest;
}

async function receive(
  repository: BackendRepository,
  access: Access,
  { request, response, signal, correlationId }: Exchange,
  options: GitServiceOptions,
): Promise<void> {
  const write = async (chunk: Buffer): Promise<void> => {
    if (!response.write(chunk)) await once(response, "drain", { signal });
  };
  const input = requestBody(request, options.limits.maxPackBytes + maxFetchRequestBytes);
  try {
    await servePush(repository, access, { input, write, transport: "http", correlationId, signal }, options);
  } finally {
    // Lets go of the request: while somebody iterates over it, what is left of it cannot be drained.
    void input.return(undefined).catch(() => undefined);
  }
  await drain(request);
  response.end();
}
