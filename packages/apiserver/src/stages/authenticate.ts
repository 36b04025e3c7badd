import { isReason, unauthorized } from "@krate/kinds";
import type { RequestContext, Stage, UserInfo } from "../context.ts";
import type { Authenticator, Services } from "../services.ts";

const authenticatedGroup = "system:authenticated";

/** Asks the authenticators in order; nobody's credential is `system:anonymous`, a bad one is 401. */
export function authenticate({
  authenticators,
  observer,
  auditor,
}: Pick<Services, "authenticators" | "observer" | "auditor">): Stage {
  return async (ctx, next) => {
    try {
      ctx.user = await userOf(ctx, authenticators);
    } catch (error) {
      observer.authenticated(isReason(error, "Unauthorized") ? "failure" : "error");
      auditor.completed(ctx, error);
      throw error;
    }
    observer.authenticated("success", ctx.user.name);
    return next(ctx);
  };
}

async function userOf(ctx: RequestContext, authenticators: readonly Authenticator[]): Promise<UserInfo> {
  for (const authenticator of authenticators) {
    const found = authenticator(ctx.exchange);
    const user = found instanceof Promise ? await found : found;
    if (user !== undefined) return withAuthenticatedGroup(user);
  }
  refuseUnknownCredential(ctx);
  return ctx.user;
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
