import type { JsonObject } from "@krate/apimachinery";
import type { RequestContext, Stage } from "../context.ts";
import { foregroundFinalizer, orphanFinalizer } from "../deletion.ts";
import { finalizersOf } from "../objects.ts";

/** Collects texts for the `Warning` header: deprecated versions, and what the strategy has to say. Never fails. */
export const warn: Stage = (ctx, next) => {
  const { resource } = ctx;
  if (resource?.deprecation !== undefined) ctx.warn(resource.deprecation);
  if (resource?.strategy.warnings !== undefined && ctx.object !== undefined) {
    for (const text of resource.strategy.warnings(ctx.object as JsonObject, ctx.old)) ctx.warn(text);
  }
  if (ctx.object !== undefined && resource?.allowsStrategicPatch === false) warnOfFinalizers(ctx, ctx.object);
  return next(ctx);
};

/** Source: generateWarningsFromObj in k8s.io/apiextensions-apiserver/pkg/registry/customresource/strategy.go. */
function warnOfFinalizers(ctx: RequestContext, object: JsonObject): void {
  const before = ctx.old === undefined ? [] : finalizersOf(ctx.old);
  for (const name of finalizersOf(object)) {
    if (name.includes("/") || before.includes(name) || name === orphanFinalizer || name === foregroundFinalizer)
      continue;
    const advice =
      "prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers";
    ctx.warn(`metadata.finalizers: ${JSON.stringify(name)}: ${advice}`);
  }
}
