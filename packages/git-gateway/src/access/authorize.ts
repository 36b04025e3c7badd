import type { AccessQuestion, Authenticator, Authorizer, Identity, Repositories, RepositoryView } from "../ports.ts";
import { challenge, tokenOf } from "./credentials.ts";
import { GatewayError } from "./gateway-error.ts";

export interface AccessPorts {
  authenticator: Authenticator;
  authorizer: Authorizer;
  repositories: Repositories;
}

/** Who asks for what, decided. */
export interface Access {
  identity: Identity;
  view: RepositoryView;
}

/** What nobody in particular is called, as Kubernetes calls it. */
export const anonymous: Identity = { user: "system:anonymous", groups: ["system:unauthenticated"] };

/** What is asked for. */
export interface AccessRequest {
  namespace: string;
  repository: string;
  write: boolean;
}

/**
 * Decides a request, in this order:
 *
 *   no token          read of a public repository: allowed; everything else 401
 *   bad token         401
 *   valid token       see `decideFor`
 *
 * @throws {GatewayError}
 */
export async function decideAccess(
  { authorization, ...request }: AccessRequest & { authorization: string | undefined },
  ports: AccessPorts,
): Promise<Access> {
  const token = tokenOf(authorization);
  if (token === "malformed") {
    throw new GatewayError(
      401,
      "the Authorization header holds no token: use Bearer, or Basic with a Kubernetes token as password",
      challenge,
    );
  }
  const [identity, view] = await Promise.all([
    token === undefined ? undefined : ports.authenticator.authenticate(token),
    ports.repositories.find(request.namespace, request.repository),
  ]);
  if (token !== undefined && !identity) {
    throw new GatewayError(401, "the token is not valid or has expired: sign in again with `krate login`", challenge);
  }
  if (identity) return decideFor(identity, view, request, ports);
  if (view && isPublicRead(view, request)) return { identity: anonymous, view };
  throw new GatewayError(
    401,
    "sign in to use this repository: any user name, a Kubernetes token as password",
    challenge,
  );
}

/**
 * Decides for somebody who is known:
 *
 *   job token         read of its own repository: allowed; everything else 403
 *   read-only key     write: 403
 *   repository's key  its own repository: allowed; everything else 403
 *   everybody else    read of a public repository: allowed; otherwise the cluster decides: 403 with verb, resource and reason
 *   allowed, missing  404
 *
 * A stranger cannot tell a missing repository from a private one.
 * @throws {GatewayError}
 */
export async function decideFor(
  identity: Identity,
  view: RepositoryView | undefined,
  request: AccessRequest,
  { authorizer }: Pick<AccessPorts, "authorizer">,
): Promise<Access> {
  const { namespace, repository, write } = request;
  if (identity.jobScope) return decideJobAccess(identity, identity.jobScope, view, request);
  if (identity.key) {
    const { name, readOnly } = identity.key;
    if (write && readOnly)
      throw new GatewayError(403, `${name} is read-only: it cannot push to "${namespace}/${repository}"`);
    if (identity.key.repository !== undefined) return decideKeyAccess(identity, identity.key, view, request);
  }
  if (!isPublicRead(view, request))
    await requireAllowed(
      identity,
      { verb: write ? "update" : "get", subresource: "content", namespace, repository },
      authorizer,
    );
  if (!view) throw new GatewayError(404, `repository "${namespace}/${repository}" does not exist`);
  return { identity, view };
}

export function isPublicRead(view: RepositoryView | undefined, { write }: AccessRequest): boolean {
  return view?.visibility === "public" && !write;
}

/** Whoever may register keys in a namespace gave this one its repository; nobody else is asked. */
function decideKeyAccess(
  identity: Identity,
  key: NonNullable<Identity["key"]>,
  view: RepositoryView | undefined,
  { namespace, repository }: AccessRequest,
): Access {
  if (!view || namespace !== key.namespace || repository !== key.repository)
    throw new GatewayError(
      403,
      `${key.name} is of repository "${key.namespace}/${key.repository}" and does not open "${namespace}/${repository}"`,
    );
  return { identity, view };
}

/** A job's token reads the repository its pipeline runs for; it never pushes. */
function decideJobAccess(
  identity: Identity,
  scope: NonNullable<Identity["jobScope"]>,
  view: RepositoryView | undefined,
  { namespace, repository, write }: AccessRequest,
): Access {
  const name = `${scope.organization}/${scope.repository}`;
  if (write) throw new GatewayError(403, `a job token of repository "${name}" may only read: it cannot push`);
  if (!view || view.organization !== scope.organization || view.name !== scope.repository) {
    throw new GatewayError(403, `a job token of repository "${name}" cannot read "${namespace}/${repository}"`);
  }
  return { identity, view };
}

async function requireAllowed(identity: Identity, question: AccessQuestion, authorizer: Authorizer): Promise<void> {
  const { allowed, reason } = await authorizer.authorize(identity, question);
  if (allowed) return;
  const resource = `repositories/${question.subresource}.krate.a5c.ai`;
  throw new GatewayError(
    403,
    `"${identity.user}" cannot ${question.verb} ${resource} "${question.repository}" in namespace "${question.namespace}"` +
      `${reason ? `: ${reason}` : ""}; ask a repository admin for a RepositoryPermission`,
  );
}
