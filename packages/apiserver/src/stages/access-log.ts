import type { RequestContext, Stage } from "../context.ts";
import type { Services } from "../services.ts";

const internalErrorCode = 500;

/** One line and one measurement per answered request: 5xx as errors, everything else at debug. Never fails. */
export function accessLog({ log, observer }: Pick<Services, "log" | "observer">): Stage {
  return async (ctx, next) => {
    await next(ctx);
    const seconds = (performance.now() - ctx.startedAt) / 1000;
    observer.finished(ctx, seconds);
    if (ctx.status >= internalErrorCode) log.error({ ...describe(ctx, seconds), err: ctx.error }, "request failed");
    else if (log.isLevelEnabled("debug")) log.debug(describe(ctx, seconds), "request");
  };
}

function describe(ctx: RequestContext, seconds: number): Record<string, unknown> {
  return {
    requestID: ctx.requestId,
    method: ctx.exchange.method,
    path: ctx.exchange.path,
    verb: ctx.info.verb,
    user: ctx.user.name,
    status: ctx.status,
    seconds: Number(seconds.toFixed(6)),
    ...(ctx.error instanceof Error && ctx.status < internalErrorCode && { reason: ctx.error.message }),
  };
}
