import { isReason } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";

/** A patch that lost a race is applied again to the newer object; kube-apiserver tries five times. */
const maxAttempts = 5;
/**
 * With 27^5 suffixes and 8 tries a collision survives with probability (n/27^5)^8: below 1e-12 for 400,000 objects of one prefix.
 * Source: k8s.io/apiserver/pkg/registry/rest/create.go.
 */
const maxNameAttempts = 8;

/**
 * Runs the write again when somebody else was faster and the client did not insist on a resourceVersion, and when a generated name
 * was taken. The last failure is a 409.
 */
export const retryOnConflict: Stage = async (ctx, next) => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await next(ctx);
    } catch (error) {
      if (!mayRetry(ctx, error, attempt)) throw error;
      forget(ctx);
    }
  }
};

function mayRetry(ctx: RequestContext, error: unknown, attempt: number): boolean {
  if (ctx.operation === "CREATE") {
    if (ctx.info.verb === "patch") return isReason(error, "AlreadyExists") && attempt < maxAttempts;
    return ctx.nameGenerated && isReason(error, "AlreadyExists") && attempt < maxNameAttempts;
  }
  return ctx.retriable && isReason(error, "Conflict") && attempt < maxAttempts;
}

function forget(ctx: RequestContext): void {
  ctx.existing = undefined;
  ctx.old = undefined;
  ctx.object = undefined;
  ctx.unchanged = false;
  ctx.operation = undefined;
  ctx.retriable = false;
}
