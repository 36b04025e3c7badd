import type { RequestContext, Stage } from "../context.ts";
import type { AdmissionPlugin } from "../services.ts";
import { mutator } from "./mutating-admission.ts";

/** Asks every validating admission plugin; the first refusal wins (usually 403 or 422), warnings of all are kept. */
export function validatingAdmission(plugins: readonly AdmissionPlugin[]): Stage {
  const validate = validation(plugins);
  return async (ctx, next) => {
    if (ctx.operation !== undefined) await validate(ctx);
    return next(ctx);
  };
}

/** The whole admission of one object of a deletecollection. */
export function admission(plugins: readonly AdmissionPlugin[]): (ctx: RequestContext) => Promise<void> {
  const mutate = mutator(plugins);
  const validate = validation(plugins);
  return async (ctx) => {
    await mutate(ctx);
    await validate(ctx);
  };
}

function validation(plugins: readonly AdmissionPlugin[]): (ctx: RequestContext) => Promise<void> {
  const validating = plugins.filter((plugin) => plugin.validate !== undefined);
  return async (ctx) => {
    for (const plugin of validating) await plugin.validate?.(ctx);
  };
}
