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

/**
 * Decides a request, in this order:
 *
 *   no token          read of a public repository: allowed; everything else 401
 *   bad token         401
 *   job token         read of its own repository: allowed; everything else 403
 *   valid token       read of a public repository: allowed; otherwise the cluster decides: 403 with verb, resource and reason
 *   allowed, missing  404
 *
 * A stranger cannot tell a missing repository from a private one.
 * @throws {GatewayError}
 */
export async function decideAccess(
  request: { authorization: string | undefined; namespace: string; repository: string; write: boolean },
  ports: AccessPorts,
): Promise<Access> {
  const { namespace, repository, write } = request;
  const token = tokenOf(request.authorization);
  if (token === "malformed") {
    throw new GatewayError(
      401,
      "the Authorization header holds no token: use Bearer, or Basic with a Kubernetes token as password",
      challenge,
    );
  }
  const [identity, view] = await Promise.all([
    token === undefined ? undefined : ports.authenticator.authenticate(token),
    ports.repositories.find(namespace, repository),
  ]);
  if (token !== undefined && !identity) {
    throw new GatewayError(401, "the token is not valid or has expired: sign in again with `krate login`", challenge);
  }
  const readable = view?.visibility === "public" && !write;
  if (!identity) {
    if (view && readable) return { identity: anonymous, view };
    throw new GatewayError(
      401,
      "sign in to use this repository: any user name, a Kubernetes token as password",
      challenge,
    );
  }
  if (identity.jobScope) return decideJobAccess(identity, identity.jobScope, view, request);
  if (!readable)
    await requireAllowed(
      identity,
      { verb: write ? "update" : "get", subresource: "content", namespace, repository },
      ports.authorizer,
    );
  if (!view) throw new GatewayError(404, `repository "${namespace}/${repository}" does not exist`);
  return { identity, view };
}

/** A job's token reads the repository its pipeline runs for; it never pushes. */
function decideJobAccess(
  identity: Identity,
  scope: NonNullable<Identity["jobScope"]>,
  view: RepositoryView | undefined,
  { namespace, repository, write }: { namespace: string; repository: string; write: boolean },
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
