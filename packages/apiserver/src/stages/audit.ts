import type { RequestContext, Stage } from "../context.ts";
import type { Services } from "../services.ts";

/** One log line per write, refused ones included: who, what, decision. Never fails. (AuditEvent records come with a later issue.) */
export function audit({ log }: Pick<Services, "log">): Stage {
  return async (ctx, next) => {
    if (!isWrite(ctx)) return next(ctx);
    try {
      await next(ctx);
    } catch (error) {
      log.info(describe(ctx, error), "audit");
      throw error;
    }
    log.info(describe(ctx, undefined), "audit");
  };
}

export function isWrite({ info }: RequestContext): boolean {
  return info.isResource && info.verb !== "get" && info.verb !== "list" && info.verb !== "watch";
}

function describe(ctx: RequestContext, error: unknown): Record<string, unknown> {
  const { group, resource, subresource, namespace, name, verb } = ctx.target;
  return {
    requestID: ctx.requestId,
    verb,
    resource: [group, resource, subresource].filter((part) => part !== "").join("/"),
    ...(namespace !== "" && { namespace }),
    name: ctx.key?.name ?? name,
    user: ctx.user.name,
    ...(ctx.impersonator !== undefined && { impersonatedBy: ctx.impersonator.name }),
    ...(ctx.options?.dryRun === true && { dryRun: true }),
    allowed: error === undefined,
    ...(error instanceof Error && { reason: error.message }),
    ...(ctx.warnings.length > 0 && { warnings: ctx.warnings }),
    ...(ctx.auditAnnotations !== undefined && { annotations: ctx.auditAnnotations }),
  };
}
