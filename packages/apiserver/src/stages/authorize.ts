import { ApiError, forbidden } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";
import type { AuthorizationAttributes, AuthorizationDecision, Services } from "../services.ts";

/** Asks the authorizer; 403 in kube-apiserver's words when it says no. */
export function authorize({ authorizer, observer }: Pick<Services, "authorizer" | "observer">): Stage {
  return (ctx, next) => {
    const attributes = attributesOf(ctx);
    const decision = authorizer.authorize(attributes);
    if (decision instanceof Promise) return decision.catch(failed).then(proceed);
    return proceed(decision);

    function proceed(decided: AuthorizationDecision): void | Promise<void> {
      ctx.authorization = decided;
      observer.authorized(decided.allowed ? "allowed" : "denied");
      if (!decided.allowed) throw refusal(attributes, decided.reason);
      return next(ctx);
    }
    function failed(error: unknown): never {
      observer.authorized("error");
      throw error;
    }
  };
}

function attributesOf(ctx: RequestContext): AuthorizationAttributes {
  const { info, user } = ctx;
  if (!info.isResource) return pathAttributes(ctx);
  const { verb, group, version, resource, subresource, namespace, name } = info;
  return { user, verb, group, version, resource, subresource, namespace, name };
}

function pathAttributes({ info, user }: RequestContext): AuthorizationAttributes {
  return {
    user,
    verb: info.verb,
    group: "",
    version: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    path: info.path,
  };
}

/** Source: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go:forbiddenMessage. */
export function refusal(attributes: AuthorizationAttributes, reason: string | undefined): ApiError {
  const { user, verb, group, resource, subresource, namespace, name, path } = attributes;
  const who = JSON.stringify(user.name);
  const because = reason === undefined || reason === "" ? "" : `: ${reason}`;
  if (path !== undefined) {
    const message = `forbidden: User ${who} cannot ${verb} path ${JSON.stringify(path)}${because}`;
    return new ApiError("Forbidden", message, { details: {} });
  }
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return forbidden(
    { group, plural: resource, name },
    `User ${who} cannot ${verb} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}${because}`,
  );
}
