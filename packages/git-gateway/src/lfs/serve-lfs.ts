import type { Logger } from "@krate/telemetry";
import type { AccessPorts } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Exchange } from "../http/git-handlers.ts";
import { type GitServiceOptions, openFor } from "../services/git-services.ts";
import { decideLfsAccess, type LfsAccess } from "./access.ts";
import { serveBatch, serveVerify } from "./batch.ts";
import type { LfsCall, LfsOptions, LfsRoute } from "./call.ts";
import { LfsContentError, LfsUnavailableError } from "./lfs-store.ts";
import { serveCreateLock, serveListLocks, serveUnlock, serveVerifyLocks } from "./lock-handlers.ts";
import { serveDownload, serveUpload } from "./transfer.ts";

interface Handler {
  method: string;
  path: RegExp;
  /** What the caller must be allowed. A batch says in its body. */
  write: boolean;
  /** Makes something new, which a repository whose Git LFS is switched off does not take. */
  adds?: boolean;
  serve(call: LfsCall): Promise<void>;
}

const handlers: readonly Handler[] = [
  { method: "POST", path: /^objects\/batch$/, write: false, serve: serveBatch },
  { method: "POST", path: /^objects\/verify$/, write: true, serve: serveVerify },
  { method: "GET", path: /^objects\/([0-9a-f]{64})$/, write: false, serve: serveDownload },
  { method: "HEAD", path: /^objects\/([0-9a-f]{64})$/, write: false, serve: serveDownload },
  { method: "PUT", path: /^objects\/([0-9a-f]{64})$/, write: true, adds: true, serve: serveUpload },
  { method: "GET", path: /^locks$/, write: false, serve: serveListLocks },
  { method: "POST", path: /^locks$/, write: true, adds: true, serve: serveCreateLock },
  { method: "POST", path: /^locks\/verify$/, write: true, serve: serveVerifyLocks },
  { method: "POST", path: /^locks\/([0-9a-f-]{1,80})\/unlock$/, write: true, serve: serveUnlock },
];

/** Serves one request of the Git LFS API, access decided for each. @throws {GatewayError} */
export async function serveLfs(
  route: LfsRoute,
  exchange: Exchange,
  { access: ports, git, lfs, log }: { access: AccessPorts; git: GitServiceOptions; lfs: LfsOptions; log: Logger },
): Promise<void> {
  const { handler, argument } = handlerOf(route);
  const { authorization } = exchange.request.headers;
  const { namespace, repository } = route;
  const decide = async (write: boolean, adds: boolean): Promise<LfsAccess> => {
    const access = await decideLfsAccess({ authorization, namespace, repository, write }, ports, lfs.ssh);
    if (adds && !access.view.lfs.enabled)
      throw new GatewayError(
        403,
        `Git LFS is switched off for repository "${namespace}/${repository}": set spec.objectStorage.lfs.enabled to true`,
      );
    return access;
  };
  const access = await decide(handler.write, handler.adds ?? false);
  await git.requestLimits.run("git-lfs", access.view, async () => {
    const opened = await openFor(handler.write ? "git-receive-pack" : "git-upload-pack", access.view, git);
    const requireUpload = async () => {
      await decide(true, true);
      await openFor("git-receive-pack", access.view, git);
    };
    await asAnswers(log, () =>
      handler.serve({ route, argument, access, repository: opened, exchange, git, lfs, requireUpload }),
    );
  });
}

function handlerOf({ method, path }: LfsRoute): { handler: Handler; argument: string } {
  const allowed: string[] = [];
  for (const handler of handlers) {
    const match = handler.path.exec(path);
    if (match && handler.method === method) return { handler, argument: match[1] ?? "" };
    if (match) allowed.push(handler.method);
  }
  if (allowed.length > 0)
    throw new GatewayError(405, `${path} takes ${allowed.join(" or ")}, not ${method}`, { allow: allowed.join(", ") });
  throw new GatewayError(
    404,
    `the Git LFS API has nothing at ${JSON.stringify(path.slice(0, 200))}: it has objects/batch, objects/<oid>, objects/verify and locks`,
  );
}

/** What stores complain about as HTTP has it. */
async function asAnswers(log: Logger, serve: () => Promise<void>): Promise<void> {
  try {
    await serve();
  } catch (error) {
    if (error instanceof LfsContentError) throw new GatewayError(422, error.message);
    if (!(error instanceof LfsUnavailableError)) throw error;
    log.warn({ err: error }, "large files cannot be served");
    throw new GatewayError(error.full ? 507 : 503, error.message, error.full ? {} : { "retry-after": "10" });
  }
}
