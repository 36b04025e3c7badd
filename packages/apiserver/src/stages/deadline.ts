import type { RequestContext, Stage } from "../context.ts";
import { isLongRunning } from "../long-running.ts";
import type { Limits } from "../services.ts";

const sweepMilliseconds = 1000;

/**
 * Ends requests that take too long: 504 (reason Timeout). Watches and logs end by their own `timeoutSeconds`. One timer sweeps
 * all requests, so a deadline costs a request two Map operations; it is exact to a second.
 */
export function deadline({ requestTimeoutSeconds }: Pick<Limits, "requestTimeoutSeconds">): Stage & { stop(): void } {
  const pending = new Map<RequestContext, () => void>();
  const limitMilliseconds = requestTimeoutSeconds * 1000;
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [ctx, expire] of pending) {
      if (now - ctx.startedAt < limitMilliseconds) break;
      if (isLongRunning(ctx)) pending.delete(ctx);
      else expire();
    }
  }, sweepMilliseconds);
  timer.unref();
  const stage: Stage = (ctx, next) => {
    const work = next(ctx);
    if (work === undefined) return undefined;
    return new Promise<void>((resolve, reject) => {
      pending.set(ctx, () => {
        pending.delete(ctx);
        ctx.expire();
        reject(new Error(`no answer after ${requestTimeoutSeconds} s`));
      });
      work.then(
        () => {
          pending.delete(ctx);
          resolve();
        },
        (error: unknown) => {
          pending.delete(ctx);
          reject(error);
        },
      );
    });
  };
  return Object.assign(stage, { stop: () => clearInterval(timer) });
}
