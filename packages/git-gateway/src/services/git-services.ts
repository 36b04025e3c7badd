import { type BackendRepository, type GitBackend, ProtocolError, RepositoryMissingError } from "@krate/git";
import type { Access } from "../access/authorize.ts";
import { GatewayError } from "../access/gateway-error.ts";
import type { Authorizer, RepositoryView } from "../ports.ts";
import type { PackLimits } from "../receive-pack/quarantine.ts";
import {
  type PushContext,
  type PushSummary,
  type ReceivePackPorts,
  receivePack,
} from "../receive-pack/receive-pack.ts";
import type { Write } from "../receive-pack/reply.ts";
import type { SharedFetches } from "../upload-pack/shared-fetches.ts";
import type { RequestLimits } from "./request-limits.ts";

/** What serving Git needs, whatever it comes in by. */
export interface GitServiceOptions {
  backend: GitBackend;
  authorizer: Authorizer;
  receivePack: ReceivePackPorts;
  limits: PackLimits;
  /** What may be under way at once, over every transport. */
  requestLimits: RequestLimits;
  /** Answers fetches, those that ask for the same together. */
  fetches: SharedFetches;
  /** Longest a fetch may take, in milliseconds. */
  fetchTimeoutMs: number;
  mergeIdentity: string;
  onPush?(summary: PushSummary, view: RepositoryView): void;
}

/** The largest negotiation a fetch may send: haves and wants, about 50 bytes each. */
export const maxFetchRequestBytes = 64 * 1024 * 1024;

/** The repository, ready for a service. @throws {GatewayError} when it takes no pushes, or is not provisioned yet */
export async function openFor(
  service: "git-upload-pack" | "git-receive-pack" | "git-upload-archive" | "git-lfs-authenticate",
  view: RepositoryView,
  { backend }: GitServiceOptions,
): Promise<BackendRepository> {
  if (service === "git-receive-pack") requireWritable(view);
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

export interface PushTransport extends Pick<PushContext, "transport" | "correlationId" | "signal"> {
  input: AsyncIterable<Uint8Array>;
  write: Write;
}

/** Serves one push, ref list excluded. @throws {GatewayError} 400 for a request outside the protocol */
export async function servePush(
  repository: BackendRepository,
  access: Access,
  { input, write, ...context }: PushTransport,
  options: GitServiceOptions,
): Promise<void> {
  try {
    const summary = await receivePack(
      input,
      write,
      {
        ...context,
        repository,
        view: access.view,
        actor: access.identity,
        mayBypass: () => isRepositoryAdmin(access, options.authorizer),
        backend: options.backend.name,
        limits: options.limits,
        mergeIdentity: options.mergeIdentity,
      },
      options.receivePack,
    );
    options.onPush?.(summary, access.view);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new GatewayError(400, error.message);
  }
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

/** Whether the caller may bypass what holds for others: `update repositories/admin`. */
export async function isRepositoryAdmin({ identity, view }: Access, authorizer: Authorizer): Promise<boolean> {
  const question = { verb: "update", subresource: "admin", namespace: view.namespace, repository: view.name } as const;
  return (await authorizer.authorize(identity, question)).allowed;
}
