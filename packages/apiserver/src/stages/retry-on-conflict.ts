import { setImmediate } from "node:timers/promises";
import { isReason } from "@krate/kinds";
import { WebhookDenial } from "../admission/webhook/errors.ts";
import type { RequestContext, Stage } from "../context.ts";

/**
 * With 27^5 suffixes and 8 tries a collision survives with probability (n/27^5)^8: below 1e-12 for 400,000 objects of one prefix.
 * Source: k8s.io/apiserver/pkg/registry/rest/create.go.
 */
const maxNameAttempts = 8;
/** Attempts against one and the same revision: more than one, for a replica may be a moment behind. */
const maxStandingAttempts = 3;

/**
 * Runs the write again when somebody else was faster and the client did not insist on a resourceVersion, for as long as the request may
 * take: in every round somebody gets ahead, and kube-apiserver (GuaranteedUpdate of its storage) never gives up either. Also when a
 * generated name was taken; the last failure is then a 409.
 */
export const retryOnConflict: Stage = async (ctx, next) => {
  let revision: bigint | undefined;
  let standing = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await next(ctx);
    } catch (error) {
      if (!mayRetry(ctx, error, attempt)) throw error;
      // Nobody was faster: the request contradicts the object itself (a precondition, a rule of the kind).
      if (ctx.existing !== undefined) {
        standing = ctx.existing.revision === revision ? standing + 1 : 1;
        revision = ctx.existing.revision;
        if (standing > maxStandingAttempts) throw error;
      }
      forget(ctx);
      // Others get their turn, and the deadline's timer too: a round of promises alone would hold the event loop for ever.
      await setImmediate();
    }
  }
};

function mayRetry(ctx: RequestContext, error: unknown, attempt: number): boolean {
  // A webhook may refuse with these reasons too; it would say so again.
  if (ctx.signal.aborted || error instanceof WebhookDenial) return false;
  if (ctx.operation !== "CREATE") return ctx.retriable && isReason(error, "Conflict");
  if (!isReason(error, "AlreadyExists")) return false;
  // An apply or patch that creates, and lost: now there is something to patch.
  return ctx.info.verb === "patch" || (ctx.nameGenerated && attempt < maxNameAttempts);
}

function forget(ctx: RequestContext): void {
  ctx.existing = undefined;
  ctx.old = undefined;
  ctx.object = undefined;
  ctx.unchanged = false;
  ctx.operation = undefined;
  ctx.retriable = false;
}
