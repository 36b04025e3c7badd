import type { Stage } from "../context.ts";

/** Subresources that are not a view of the object (logs, tokens, bindings) do all their work here. Failures are theirs. */
export const connect: Stage = async (ctx, next) => {
  if (!ctx.info.isResource || ctx.info.subresource === "" || ctx.response !== undefined) return next(ctx);
  const handler = ctx.served.subresources.get(ctx.info.subresource);
  if (handler === undefined) return next(ctx);
  await handler.connect(ctx);
  return next(ctx);
};
