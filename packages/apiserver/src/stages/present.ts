import type { Next, RequestContext, Response, Result, Stage } from "../context.ts";
import { presentList, presentStream } from "../presenting/list.ts";
import { presentStored, presentValue } from "../presenting/object.ts";
import { presentWatch } from "../presenting/watch.ts";

/** Turns what the store gave into the form the client asked for: stored bytes as they are, Table, metadata only, watch frames. */
export const present: Stage = (ctx, next) => {
  if (ctx.response !== undefined || ctx.result === undefined) return next(ctx);
  const response = responseOf(ctx, ctx.result);
  if (response instanceof Promise) return presentLater(ctx, response, next);
  ctx.response = response;
  return next(ctx);
};

async function presentLater(ctx: RequestContext, response: Promise<Response>, next: Next): Promise<void> {
  ctx.response = await response;
  return next(ctx);
}

function responseOf(ctx: RequestContext, result: Result): Response | Promise<Response> {
  switch (result.kind) {
    case "object":
      return presentStored(ctx, result.stored, result.status);
    case "value":
      return presentValue(ctx, result.value, result.status);
    case "list":
      return presentList(ctx, result);
    case "stream":
      return presentStream(ctx, result);
    case "watch":
      return presentWatch(ctx, result);
  }
}
