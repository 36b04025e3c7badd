import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import {
  type BackendRepository,
  type GitBackend,
  type GitStream,
  ProtocolError,
  RepositoryMissingError,
} from "@krate/git";
import type { Access } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Authorizer, RepositoryView } from "../ports.ts";
import { advertiseReceivePack } from "../receive-pack/advertise.ts";
import type { PackLimits } from "../receive-pack/quarantine.ts";
import { type PushSummary, type ReceivePackPorts, receivePack } from "../receive-pack/receive-pack.ts";
import { advertiseUploadPack, uploadPack } from "../upload-pack/upload-pack.ts";
import { drain, requestBody } from "./body.ts";
import type { Route } from "./route.ts";

export interface GitHandlerOptions {
  backend: GitBackend;
  authorizer: Authorizer;
  receivePack: ReceivePackPorts;
  limits: PackLimits;
  /** Longest a fetch may take, in milliseconds. */
  fetchTimeoutMs: number;
  mergeIdentity: string;
  onPush?(summary: PushSummary, view: RepositoryView): void;
}

export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  correlationId: string;
  /** Fires when the client is gone or the server must end. */
  signal: AbortSignal;
}

type GitRoute = Extract<Route, { kind: "info-refs" | "rpc" }>;

/** The largest negotiation a fetch may send: haves and wants, about 50 bytes each. */
const maxFetchRequestBytes = 64 * 1024 * 1024;
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
  options: GitHandlerOptions,
): Promise<void> {
  if (route.service === "git-receive-pack") requireWritable(access.view);
  const repository = await openRepository(access.view, options.backend);
  const type = route.kind === "info-refs" ? "advertisement" : "result";
  if (route.kind === "rpc") requireRequestType(exchange.request, route.service);
  const { response } = exchange;
  response.setHeader("content-type", `application/x-${route.service}-${type}`);
  for (const [name, value] of Object.entries(noCache)) response.setHeader(name, value);
  if (route.service === "git-receive-pack") {
    if (route.kind === "info-refs") response.end(await advertiseReceivePack(repository, { http: true }));
    else await servePush(repository, access, exchange, options);
    return;
  }
  await serveFetch(route, repository, exchange, options);
}

function requireWritable(view: RepositoryView): void {
  const name = `"${view.namespace}/${view.name}"`;
  if (view.terminating) throw new GatewayError(403, `repository ${name} is being deleted and takes no more pushes`);
  if (view.archived)
    throw new GatewayError(
      403,
      `repository ${name} is archived and read-only; set spec.archived to false to push again`,
    );
}

async function openRepository(view: RepositoryView, backend: GitBackend): Promise<BackendRepository> {
  try {
    return await backend.open({ namespace: view.namespace, name: view.name, uid: view.uid });
  } catch (error) {
    if (!(error instanceof RepositoryMissingError)) throw error;
    throw new GatewayError(
      503,
      `repository "${view.namespace}/${view.name}" is not provisioned yet; try again in a moment`,
      { "retry-after": "2" },
    );
  }
}

function requireRequestType(request: IncomingMessage, service: string): void {
  const expected = `application/x-${service}-request`;
  if (request.headers["content-type"] !== expected) throw new GatewayError(415, `content type must be ${expected}`);
}

async function serveFetch(
  route: GitRoute,
  repository: BackendRepository,
  exchange: Exchange,
  options: GitHandlerOptions,
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

async function servePush(
  repository: BackendRepository,
  access: Access,
  exchange: Exchange,
  options: GitHandlerOptions,
): Promise<void> {
  const { request, response, signal, correlationId } = exchange;
  const { identity, view } = access;
  const write = async (chunk: Buffer): Promise<void> => {
    if (!response.write(chunk)) await once(response, "drain", { signal });
  };
  try {
    const summary = await receivePack(
      requestBody(request, options.limits.maxPackBytes + maxFetchRequestBytes),
      write,
      {
        repository,
        view,
        actor: identity,
        mayBypass: () => mayBypass(access, options.authorizer),
        transport: "http",
        backend: options.backend.name,
        correlationId,
        limits: options.limits,
        mergeIdentity: options.mergeIdentity,
        signal,
      },
      options.receivePack,
    );
    options.onPush?.(summary, view);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new GatewayError(400, error.message);
  }
  await drain(request);
  response.end();
}

async function mayBypass({ identity, view }: Access, authorizer: Authorizer): Promise<boolean> {
  const question = { verb: "update", subresource: "admin", namespace: view.namespace, repository: view.name } as const;
  return (await authorizer.authorize(identity, question)).allowed;
}
