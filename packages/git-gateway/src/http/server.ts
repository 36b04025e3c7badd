import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { ApiError, type StatusReason, statusReasons } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { type AccessPorts, decideAccess } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { ContentApi } from "../content/serve.ts";
import type { LfsOptions } from "../lfs/call.ts";
import { lfsMediaType } from "../lfs/protocol.ts";
import { serveLfs } from "../lfs/serve-lfs.ts";
import type { GitServiceOptions } from "../services/git-services.ts";
import { drain } from "./body.ts";
import { type Exchange, serveGit } from "./git-handlers.ts";
import { parseRoute, type Route } from "./route.ts";
import { type CertificateOptions, serveCertificate } from "./ssh-certificate.ts";

export interface GatewayServerOptions {
  access: AccessPorts;
  git: GitServiceOptions;
  content: ContentApi;
  /** Absent: large files are not served. */
  lfs?: LfsOptions | undefined;
  /** Absent where no SSH certificates are issued. */
  certificates?: CertificateOptions | undefined;
  tls?: { cert: string; key: string };
  log: Logger;
  onRequest?(outcome: { route: string; status: number; seconds: number }): void;
}

export interface GatewayServer {
  /** Starts listening. Answers the port, which matters when 0 was asked for. */
  listen(address: { host: string; port: number }): Promise<number>;
  /** Resolves when the requests under way now are over. */
  idle(): Promise<void>;
  /** Stops taking requests, lets those under way finish for `graceMs`, then ends what is left. */
  close(graceMs: number): Promise<void>;
}

/** Header of an idle or stalled connection; a push may be silent for as long as its disk needs. */
const socketTimeoutMs = 10 * 60_000;
const headersTimeoutMs = 30_000;

/** The gateway's HTTP server: HTTP/1.1, because every git client speaks it and a pack gains nothing from multiplexing. */
export function createGatewayServer(options: GatewayServerOptions): GatewayServer {
  const ending = new AbortController();
  const underway = new Set<Promise<void>>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const exchange = serve(request, response, ending.signal, options)
      .catch((error: unknown) => {
        options.log.error({ err: error }, "a request could not even be refused");
        response.destroy();
      })
      .finally(() => underway.delete(exchange));
    underway.add(exchange);
  };
  // A push takes as long as it takes: only headers and silence are limited.
  const settings = { requestTimeout: 0, headersTimeout: headersTimeoutMs, keepAliveTimeout: 15_000, noDelay: true };
  const server: Server = options.tls
    ? createTlsServer({ ...settings, ...options.tls }, listener)
    : createServer(settings, listener);
  server.setTimeout(socketTimeoutMs);
  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          const address = server.address();
          resolve(typeof address === "object" && address ? address.port : port);
        });
      }),
    idle: async () => void (await Promise.allSettled([...underway])),
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => ending.abort(new Error("the server is stopping")), graceMs);
      await Promise.allSettled([...underway]);
      clearTimeout(timer);
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  ending: AbortSignal,
  options: GatewayServerOptions,
): Promise<void> {
  const started = performance.now();
  const correlationId = randomUUID();
  const gone = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) gone.abort(new Error("the client closed the connection"));
  });
  const signal = AbortSignal.any([gone.signal, ending]);
  response.setHeader("x-request-id", correlationId);
  const exchange: Exchange = { request, response, correlationId, signal };
  const route = parseRoute(request.method ?? "", request.url ?? "");
  try {
    if (route.kind === "unknown") throw new GatewayError(route.status, route.message);
    if (route.kind === "ssh-certificate")
      return await serveCertificate(exchange, options.access.authenticator, options.certificates);
    if (route.kind === "lfs") {
      const { access, git, lfs, log } = options;
      if (!lfs) throw new GatewayError(501, "Git LFS is not served here");
      return await serveLfs(route, exchange, { access, git, lfs, log: log.child({ correlationId }) });
    }
    const { namespace, repository } = route;
    const write = route.kind !== "content" && route.service === "git-receive-pack";
    const access = await decideAccess(
      { authorization: request.headers.authorization, namespace, repository, write },
      options.access,
    );
    if (route.kind === "content") await options.content.serve(route, access, exchange);
    else await serveGit(route, access, exchange, options.git);
  } catch (error) {
    await answerError(error, exchange, route.kind, options.log.child({ correlationId, route: route.kind }));
  } finally {
    options.onRequest?.({
      route: route.kind,
      status: response.statusCode,
      seconds: (performance.now() - started) / 1000,
    });
  }
}

async function answerError(
  error: unknown,
  { request, response, signal }: Exchange,
  route: Route["kind"],
  log: Logger,
): Promise<void> {
  const known = error instanceof GatewayError ? error : undefined;
  if (!known && !signal.aborted) log.error({ err: error }, "request failed");
  if (response.headersSent || response.destroyed) {
    // The answer is half sent: only a broken connection tells the client that it is not whole.
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) if (name !== "x-request-id") response.removeHeader(name);
  response.statusCode = known?.status ?? 500;
  for (const [name, value] of Object.entries(known?.headers ?? {})) response.setHeader(name, value);
  response.setHeader("x-content-type-options", "nosniff");
  const text = known?.message ?? `the server failed; request id ${response.getHeader("x-request-id")}`;
  await drain(request);
  if (route === "lfs") {
    const challenge = response.getHeader("www-authenticate");
    if (challenge) response.setHeader("lfs-authenticate", challenge);
    response.setHeader("content-type", lfsMediaType);
    response.end(JSON.stringify({ message: text, request_id: response.getHeader("x-request-id") }));
    return;
  }
  if (route === "content" || route === "ssh-certificate") {
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(JSON.stringify(new ApiError(reasonOf(response.statusCode), text).toStatus()));
    return;
  }
  // git shows a plain text body as "remote: ..."
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(`${text}\n`);
}

function reasonOf(status: number): StatusReason {
  const found = Object.entries(statusReasons).find(([, code]) => code === status);
  return (found?.[0] as StatusReason | undefined) ?? "InternalError";
}
