/** Authentication and authorization by the cluster's API server: TokenReview and SubjectAccessReview (D20). */
import { serviceUnavailable, unauthorized } from "@krate/kinds";
import { accessReview, type KubeClient, tokenReview } from "@krate/kube";
import { bearerToken } from "../auth/bearer.ts";
import type { Authenticator, AuthorizationAttributes, AuthorizationDecision, Authorizer } from "../services.ts";

/**
 * Bearer tokens of direct callers. A token the cluster does not know is 401; a cluster that does not answer is 503. Answers are kept for 10 s
 * (known) and 2 s (not known).
 * @param audiences the token must be for one of these; empty: those of the cluster's API server
 */
export function delegatedTokens(client: KubeClient, audiences: readonly string[] = []): Authenticator {
  return async (exchange) => {
    const token = bearerToken(exchange);
    if (token === undefined) return undefined;
    const result = await tokenReview(client, token, audiences.length === 0 ? {} : { audiences }).catch(
      (cause: unknown) => {
        throw serviceUnavailable("the token could not be checked: the cluster's API server does not answer", cause);
      },
    );
    if (!result.authenticated) throw unauthorized();
    const { username: name, uid, groups, extra } = result.user;
    return { name, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
  };
}

const superGroup = "system:masters";
/** Documents about the API itself hold no secrets, and the aggregator reads them as `system:aggregator`. */
const openPaths = /^\/(?:api|apis|openapi|version|livez|readyz|healthz)(?:\/|$)/;

/**
 * RBAC of the cluster. Its answers are kept for 5 s (allowed) and 2 s (refused), so that a right that was taken away is gone at once for a
 * person; equal questions at the same time are one. No answer is no access: 503.
 */
export class DelegatedAuthorizer implements Authorizer {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision | Promise<AuthorizationDecision> {
    const { user, verb, path } = attributes;
    if (user.groups.includes(superGroup)) return { allowed: true };
    if (path !== undefined && verb === "get" && openPaths.test(path)) return { allowed: true };
    return this.#review(attributes);
  }

  async #review(attributes: AuthorizationAttributes): Promise<AuthorizationDecision> {
    try {
      return await accessReview(this.#client, subjectOf(attributes.user), reviewed(attributes));
    } catch (cause) {
      throw serviceUnavailable("access could not be checked: the cluster's API server does not answer", cause);
    }
  }
}

function reviewed(attributes: AuthorizationAttributes): Parameters<typeof accessReview>[2] {
  const { verb, group, version, resource, subresource, namespace, name, path } = attributes;
  if (path !== undefined) return { verb, path };
  return {
    verb,
    group,
    ...(version !== "" && { version }),
    resource,
    ...(subresource !== "" && { subresource }),
    ...(namespace !== "" && { namespace }),
    ...(name !== "" && { name }),
  };
}

function subjectOf({ name, groups, uid, extra }: AuthorizationAttributes["user"]) {
  return {
    user: name,
    groups: [...groups],
    ...(uid !== undefined && uid !== "" && { uid }),
    ...(extra !== undefined && {
      extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])),
    }),
  };
}
