/** The variables an admission expression sees, from the request under way. */
import {
  type AccessCheck,
  type AccessDecision,
  authorizerValue,
  type Bindings,
  type JsonObject,
  runWithAuthorizer,
} from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { userInfo } from "../../core/reviews.ts";

/** `request`: an AdmissionRequest without the objects. */
export function admissionRequest(ctx: RequestContext): JsonObject {
  const { group, version, kind, plural } = ctx.served;
  const { subresource, namespace } = ctx.target;
  const gvk = { group, version, kind };
  const gvr = { group, version, resource: plural };
  return {
    uid: ctx.requestId,
    kind: gvk,
    resource: gvr,
    subResource: subresource,
    requestKind: gvk,
    requestResource: gvr,
    requestSubResource: subresource,
    name: ctx.key?.name ?? ctx.target.name,
    namespace,
    operation: ctx.operation ?? "CONNECT",
    userInfo: { uid: "", extra: {}, ...userInfo(ctx.user) },
    dryRun: ctx.options?.dryRun ?? false,
    options: {},
  };
}

/**
 * Runs `attempt` with everything but `params` and `variables` bound. Expressions that ask `authorizer` may make it run several times.
 */
export function withBindings<T>(
  ctx: RequestContext,
  namespaceObject: JsonObject | undefined,
  attempt: (bindings: Bindings) => T,
): Promise<T> {
  const { group, version, plural } = ctx.served;
  const { subresource, namespace } = ctx.target;
  const requested = {
    group,
    version,
    resource: plural,
    subresource,
    namespace,
    name: ctx.key?.name ?? ctx.target.name,
  };
  const bindings = {
    object: ctx.operation === "DELETE" ? null : (ctx.object ?? null),
    oldObject: ctx.old ?? null,
    request: admissionRequest(ctx),
    namespaceObject: namespaceObject ?? null,
  };
  return runWithAuthorizer(
    (answer) => attempt({ ...bindings, authorizer: authorizerValue(answer, requested) }),
    (check) => answerCheck(ctx, check),
  );
}

async function answerCheck(ctx: RequestContext, { serviceAccount, ...check }: AccessCheck): Promise<AccessDecision> {
  const user =
    serviceAccount === undefined
      ? ctx.user
      : {
          name: `system:serviceaccount:${serviceAccount.namespace}:${serviceAccount.name}`,
          groups: [
            "system:serviceaccounts",
            `system:serviceaccounts:${serviceAccount.namespace}`,
            "system:authenticated",
          ],
        };
  const { allowed, reason } = await ctx.services.authorizer.authorize({ ...check, user });
  return { allowed, ...(reason !== undefined && { reason }) };
}
