import type { JsonObject } from "@krate/apimachinery";
import type { Stage } from "../context.ts";

/** Collects texts for the `Warning` header: deprecated versions, and what the strategy has to say. Never fails. */
export const warn: Stage = (ctx, next) => {
  const { resource } = ctx;
  if (resource?.deprecation !== undefined) ctx.warn(resource.deprecation);
  if (resource?.strategy.warnings !== undefined && ctx.object !== undefined) {
    for (const text of resource.strategy.warnings(ctx.object as JsonObject, ctx.old)) ctx.warn(text);
  }
  return next(ctx);
};
