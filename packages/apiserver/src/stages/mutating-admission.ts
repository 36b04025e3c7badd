import type { Stage } from "../context.ts";
import type { AdmissionPlugin } from "../services.ts";

/** Lets mutating admission plugins change the object, in order. Failure: what the plugin throws, usually 403. */
export function mutatingAdmission(plugins: readonly AdmissionPlugin[]): Stage {
  const mutating = plugins.filter((plugin) => plugin.mutate !== undefined);
  return async (ctx, next) => {
    if (ctx.operation === undefined || ctx.operation === "DELETE") return next(ctx);
    for (const plugin of mutating) await plugin.mutate?.(ctx);
    return next(ctx);
  };
}
