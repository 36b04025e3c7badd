import { unauthorized } from "@krate/kinds";
import type { RequestContext, Stage, UserInfo } from "../context.ts";
import type { Authenticator } from "../services.ts";

const authenticatedGroup = "system:authenticated";

/** Asks the authenticators in order; nobody's credential is `system:anonymous`, a bad one is 401. */
export function authenticate(authenticators: readonly Authenticator[]): Stage {
  return async (ctx, next) => {
    for (const authenticator of authenticators) {
      const found = authenticator(ctx.exchange);
      const user = found instanceof Promise ? await found : found;
      if (user === undefined) continue;
      ctx.user = withAuthenticatedGroup(user);
      return next(ctx);
    }
    refuseUnknownCredential(ctx);
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
