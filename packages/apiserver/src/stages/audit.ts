import type { RequestContext, Stage } from "../context.ts";
import { isLongRunning } from "../long-running.ts";
import type { Services } from "../services.ts";

/**
 * Tells the auditor (`audit/auditor.ts`) how each request went, refused ones included, after it was answered. Never fails, never waits.
 * Callers that nobody knows are told of by `authenticate` and `impersonate`.
 */
export function audit({ auditor }: Pick<Services, "auditor">): Stage {
  return async (ctx, next) => {
    if (isLongRunning(ctx)) ctx.onResponseStarted = () => auditor.started(ctx);
    try {
      await next(ctx);
    } catch (error) {
      auditor.completed(ctx, error);
      throw error;
    }
    auditor.completed(ctx, undefined);
  };
}

export function isWrite({ info }: RequestContext): boolean {
  return info.isResource && info.verb !== "get" && info.verb !== "list" && info.verb !== "watch";
}
