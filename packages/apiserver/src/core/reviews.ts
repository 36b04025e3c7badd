/**
 * Reviews: objects that are answered, never stored. Who am I, may I, is this token good.
 * Source: k8s.io/kubernetes/pkg/registry/{authentication,authorization}.
 */
import { isObject, type JsonObject } from "@krate/apimachinery";
import { ApiError, badRequest, invalid } from "@krate/kinds";
import { apiAudiences, type ServiceAccountTokens } from "../auth/service-account-tokens.ts";
import type { RbacAuthorizer } from "../authorization/rbac.ts";
import type { UserInfo } from "../context.ts";
import { sectionOf, textOf } from "../objects.ts";
import type { Strategy } from "../resources/resource.ts";
import type { AuthorizationAttributes, Authorizer } from "../services.ts";

export interface ReviewParts {
  authorizer: Authorizer;
  rbac: RbacAuthorizer | undefined;
  tokens: ServiceAccountTokens | undefined;
  /** Local users, by token. */
  userOfToken: (token: string) => UserInfo | undefined;
}

/** Strategies by resource. */
export function reviewStrategies(parts: ReviewParts): Record<string, Strategy> {
  return {
    "authorization.k8s.io/selfsubjectaccessreviews": {
      answer: (ctx, object) => accessReview(object, ctx.user, parts.authorizer),
    },
    "authorization.k8s.io/subjectaccessreviews": {
      answer: (_ctx, object) => accessReview(object, userInSpec(object), parts.authorizer),
    },
    "authorization.k8s.io/localsubjectaccessreviews": {
      answer: (ctx, object) => {
        const attributes = sectionOf(object, "spec")["resourceAttributes"];
        if (isObject(attributes)) attributes["namespace"] ??= ctx.target.namespace;
        return accessReview(object, userInSpec(object), parts.authorizer);
      },
    },
    "authorization.k8s.io/selfsubjectrulesreviews": {
      answer: async (ctx, object) => rulesReview(object, ctx.user, parts.rbac),
    },
    "authentication.k8s.io/selfsubjectreviews": {
      answer: async (ctx, object) => ({ ...object, status: { userInfo: userInfo(ctx.user) } }),
    },
    "authentication.k8s.io/tokenreviews": { answer: (_ctx, object) => tokenReview(object, parts) },
  };
}

function userInSpec(object: JsonObject): UserInfo {
  const { user, uid, groups, extra } = sectionOf(object, "spec");
  const name = textOf(user);
  const list = Array.isArray(groups) ? groups.map(String) : [];
  if (name === "" && list.length === 0) {
    throw invalid({ group: "authorization.k8s.io" }, [
      {
        reason: "FieldValueInvalid",
        field: "spec.user",
        message: 'Invalid value: "": at least one of user or group must be specified',
      },
    ]);
  }
  return {
    name,
    uid: textOf(uid),
    groups: list,
    extra: isObject(extra) ? (extra as unknown as UserInfo["extra"]) : undefined,
  };
}

async function accessReview(object: JsonObject, user: UserInfo, authorizer: Authorizer): Promise<JsonObject> {
  const { allowed, reason } = await authorizer.authorize(attributesIn(object, user));
  return { ...object, status: { allowed, ...(reason !== undefined && reason !== "" && { reason }) } };
}

function attributesIn(object: JsonObject, user: UserInfo): AuthorizationAttributes {
  const { resourceAttributes, nonResourceAttributes } = sectionOf(object, "spec");
  if (isObject(resourceAttributes) === isObject(nonResourceAttributes)) {
    const message = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
    throw invalid({ group: "authorization.k8s.io" }, [
      { reason: "FieldValueInvalid", field: "spec.resourceAttributes", message },
    ]);
  }
  const empty = { user, group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
  if (isObject(nonResourceAttributes)) {
    return { ...empty, verb: textOf(nonResourceAttributes["verb"]), path: textOf(nonResourceAttributes["path"]) };
  }
  const { verb, group, version, resource, subresource, namespace, name } = resourceAttributes as JsonObject;
  return {
    user,
    verb: textOf(verb),
    group: textOf(group),
    version: textOf(version),
    resource: textOf(resource),
    subresource: textOf(subresource),
    namespace: textOf(namespace),
    name: textOf(name),
  };
}

function rulesReview(object: JsonObject, user: UserInfo, rbac: RbacAuthorizer | undefined): JsonObject {
  const rules = rbac?.rulesFor(user, textOf(sectionOf(object, "spec")["namespace"])) ?? [];
  const resourceRules = rules
    .filter((rule) => (rule.resources?.length ?? 0) > 0)
    .map(({ verbs, apiGroups = [], resources = [], resourceNames = [] }) => ({
      verbs: [...verbs],
      apiGroups: [...apiGroups],
      resources: [...resources],
      ...(resourceNames.length > 0 && { resourceNames: [...resourceNames] }),
    }));
  const nonResourceRules = rules
    .filter((rule) => (rule.nonResourceURLs?.length ?? 0) > 0)
    .map(({ verbs, nonResourceURLs = [] }) => ({ verbs: [...verbs], nonResourceURLs: [...nonResourceURLs] }));
  return { ...object, status: { resourceRules, nonResourceRules, incomplete: rbac === undefined } };
}

async function tokenReview(object: JsonObject, { tokens, userOfToken }: ReviewParts): Promise<JsonObject> {
  const { token, audiences } = sectionOf(object, "spec");
  const given = textOf(token);
  if (given === "") throw badRequest("token is required for TokenReview in authentication");
  const wanted = Array.isArray(audiences) && audiences.length > 0 ? audiences.map(String) : apiAudiences;
  return {
    ...object,
    spec: { ...sectionOf(object, "spec") },
    status: await review(given, wanted, tokens, userOfToken),
  };
}

async function review(
  token: string,
  audiences: readonly string[],
  tokens: ServiceAccountTokens | undefined,
  userOfToken: ReviewParts["userOfToken"],
): Promise<JsonObject> {
  const local = userOfToken(token);
  if (local !== undefined) return { authenticated: true, user: userInfo(local), audiences: [...audiences] };
  if (tokens === undefined || !tokens.isOurs(token))
    return { authenticated: false, user: {}, error: "the token is not known" };
  try {
    const verified = await tokens.verify(token, audiences);
    return { authenticated: true, user: userInfo(verified.user), audiences: verified.audiences };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { authenticated: false, user: {}, error: error.message };
  }
}

export function userInfo({ name, uid, groups, extra }: UserInfo): JsonObject {
  return {
    username: name,
    ...(uid !== undefined && uid !== "" && { uid }),
    groups: [...groups],
    ...(extra !== undefined && Object.keys(extra).length > 0 && { extra: extra as unknown as JsonObject }),
  };
}
