/** The variables an admission expression sees, from the request under way. */
import {
  type AccessCheck,
  type AccessDecision,
  authorizerValue,
  type Bindings,
  type JsonObject,
  runWithAuthorizer,
} from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import { type Attributes, type Representation, requestFields } from "./attributes.ts";

export interface ExpressionSubject {
  attributes: Attributes;
  /** In which version `request` names the object. */
  as: Representation;
  /** The objects in that version. */
  objects: { object: JsonObject | undefined; oldObject: JsonObject | undefined };
  namespaceObject?: JsonObject | undefined;
}

/**
 * Runs `attempt` with everything but `params` and `variables` bound. Expressions that ask `authorizer` may make it run several times.
 */
export function withBindings<T>(
  ctx: RequestContext,
  { attributes, as, objects, namespaceObject }: ExpressionSubject,
  attempt: (bindings: Bindings) => T,
): Promise<T> {
  const { group, version, resource, subresource, namespace, name } = attributes;
  const requested = { group, version, resource, subresource, namespace, name };
  const bindings = {
    object: objects.object ?? null,
    oldObject: objects.oldObject ?? null,
    request: requestFields(ctx, attributes, as),
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
