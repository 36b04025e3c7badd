import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { BackendRepository, GitStream } from "@krate/git";
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
    if (route.kind === "info-refs") response.end(await advertiseReceivePack(repository, { http: true }));
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
  let stream: GitStream;
  if (route.kind === "info-refs") {
    const advertisement = advertiseUploadPack(repository, upload);
    response.write(advertisement.header);
    stream = advertisement.stream;
  } else stream = uploadPack(repository, requestBody(request, maxFetchRequestBytes), upload);
  await pipeline(stream.stdout, response);
  await stream.finished;
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
