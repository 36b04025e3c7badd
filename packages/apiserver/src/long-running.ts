import type { RequestContext } from "./context.ts";

/** Watches, logs and `connect` requests last as long as the client wants. */
export function isLongRunning(ctx: RequestContext): boolean {
  return (
    ctx.info.isResource && (ctx.info.verb === "watch" || (ctx.info.subresource === "log" && ctx.info.verb === "get"))
  );
}
