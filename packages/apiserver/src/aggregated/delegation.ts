/** Authentication and authorization by the cluster's API server: TokenReview and SubjectAccessReview (D20). */
import { serviceUnavailable, unauthorized } from "@krate/kinds";
import { accessReview, type KubeClient, tokenReview } from "@krate/kube";
import { bearerToken } from "../auth/bearer.ts";
import type { Authenticator, AuthorizationAttributes, AuthorizationDecision, Authorizer } from "../services.ts";

/** Bearer tokens of direct callers. A token the cluster does not know is 401; a cluster that does not answer is 503. */
export function delegatedTokens(client: KubeClient): Authenticator {
  return async (exchange) => {
    const token = bearerToken(exchange);
    if (token === undefined) return undefined;
    const result = await tokenReview(client, token).catch((cause: unknown) => {
      throw serviceUnavailable("the token could not be checked: the cluster's API server does not answer", cause);
    });
    if (!result.authenticated) throw unauthorized();
    const { username: name, uid, groups, extra } = result.user;
    return { name, groups, ...(uid !== undefined && { uid }), ...(extra !== undefined && { extra }) };
  };
}

const superGroup = "system:masters";
/** Documents about the API itself hold no secrets, and the aggregator reads them as `system:aggregator`. */
const openPaths = /^\/(?:api|apis|openapi|version|livez|readyz|healthz)(?:\/|$)/;

export class DelegatedAuthorizer implements Authorizer {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  authorize(attributes: AuthorizationAttributes): AuthorizationDecision | Promise<AuthorizationDecision> {
    const { user, verb, path } = attributes;
    if (user.groups.includes(superGroup)) return { allowed: true };
    if (path !== undefined)
      return verb === "get" && openPaths.test(path) ? { allowed: true } : this.#reviewPath(attributes, path);
    return this.#reviewResource(attributes);
  }

  async #reviewResource({
    user,
    verb,
    group,
    resource,
    subresource,
    namespace,
    name,
  }: AuthorizationAttributes): Promise<AuthorizationDecision> {
    try {
      return await accessReview(this.#client, subjectOf(user), {
        verb,
        group,
        resource,
        ...(subresource !== "" && { subresource }),
        ...(namespace !== "" && { namespace }),
        ...(name !== "" && { name }),
      });
    } catch (cause) {
      throw serviceUnavailable("access could not be checked: the cluster's API server does not answer", cause);
    }
  }

  async #reviewPath({ user, verb }: AuthorizationAttributes, path: string): Promise<AuthorizationDecision> {
    const subject = subjectOf(user);
    const spec = { ...subject, nonResourceAttributes: { verb, path } };
    const response = await this.#client.raw({
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
      body: { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec },
    });
    const { status } = (await response.json()) as { status?: { allowed?: boolean; reason?: string } };
    return { allowed: status?.allowed === true, reason: status?.reason };
  }
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
