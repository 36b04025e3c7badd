import { isReason, unauthorized } from "@krate/kinds";
import type { RequestContext, Stage, UserInfo } from "../context.ts";
import type { Services } from "../services.ts";

const authenticatedGroup = "system:authenticated";

/** Asks the authenticators in order; nobody's credential is `system:anonymous`, a bad one is 401. */
export function authenticate({
  authenticators,
  observer,
  auditor,
}: Pick<Services, "authenticators" | "observer" | "auditor">): Stage {
  return async (ctx, next) => {
    try {
      // No function of its own: most callers are known at once, and each `async` is a turn of the event loop's queue.
      let user: UserInfo | undefined;
      for (const authenticator of authenticators) {
        const found = authenticator(ctx.exchange);
        user = found instanceof Promise ? await found : found;
        if (user !== undefined) break;
      }
      if (user === undefined) refuseUnknownCredential(ctx);
      else ctx.user = withAuthenticatedGroup(user);
    } catch (error) {
      observer.authenticated(isReason(error, "Unauthorized") ? "failure" : "error");
      auditor.completed(ctx, error);
      throw error;
    }
    observer.authenticated("success", ctx.user.name);
    return next(ctx);
  };
}

function withAuthenticatedGroup(user: UserInfo): UserInfo {
  return user.groups.includes(authenticatedGroup) || user.name === "system:anonymous"
    ? user
    : { ...user, groups: [...user.groups, authenticatedGroup] };
}

/** A token that nobody accepted must not fall back to anonymous. */
function refuseUnknownCredential(ctx: RequestContext): void {
  if (ctx.exchange.header("authorization") !== undefined) throw unauthorized();
}
