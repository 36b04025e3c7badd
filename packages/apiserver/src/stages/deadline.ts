import { badRequest } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";
import { isLongRunning } from "../long-running.ts";
import type { Limits } from "../services.ts";

const sweepMilliseconds = 1000;

/**
 * Ends requests that take too long: 504 (reason Timeout). `?timeout=` asks for less, never for more; 400 when it is no duration. Watches
 * and logs end by their own `timeoutSeconds`. One timer sweeps all requests, so a deadline costs a request two Map operations; it is exact
 * to a second.
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
    const wanted = ctx.params.get("timeout");
    const milliseconds = wanted === null ? limitMilliseconds : Math.min(limitMilliseconds, wishOf(wanted));
    const work = next(ctx);
    if (work === undefined) return undefined;
    return new Promise<void>((resolve, reject) => {
      const expire = () => {
        pending.delete(ctx);
        if (isLongRunning(ctx)) return;
        ctx.expire();
        reject(new Error(`no answer after ${milliseconds / 1000} s`));
      };
      pending.set(ctx, expire);
      const sooner = milliseconds < limitMilliseconds ? setTimeout(expire, milliseconds).unref() : undefined;
      const forget = () => {
        pending.delete(ctx);
        clearTimeout(sooner);
      };
      work.then(
        () => {
          forget();
          resolve();
        },
        (error: unknown) => {
          forget();
          reject(error);
        },
      );
    });
  };
  return Object.assign(stage, { stop: () => clearInterval(timer) });
}

const units: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * A Go duration (`1m30s`) in milliseconds; none and 0 mean no wish.
 * Source: k8s.io/apiserver/pkg/endpoints/filters/request_deadline.go. @throws BadRequest
 */
function wishOf(text: string): number {
  if (text === "" || text === "0") return Number.POSITIVE_INFINITY;
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text.replace(/^[+-]/, "")) {
    throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`);
  }
  const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * (units[unit as string] as number), 0);
  return text.startsWith("-") || sum === 0 ? Number.POSITIVE_INFINITY : sum;
}
