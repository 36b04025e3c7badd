import { type JsonObject, validateRules as runRules } from "@krate/apimachinery";
import { type FieldError, invalid } from "@krate/kinds";
import type { Stage } from "../context.ts";
import { errorTarget } from "./decode.ts";

/** The schema's own CEL rules (`x-kubernetes-validations`), transitions included: 422 with one cause per rule that does not hold. */
export const validateRules: Stage = (ctx, next) => {
  const { schema } = ctx.resource ?? {};
  if (schema !== undefined && (ctx.operation === "CREATE" || ctx.operation === "UPDATE")) {
    const tolerated: FieldError[] = [];
    const errors = runRules(ctx.object as JsonObject, ctx.old, schema.schema, tolerated);
    for (const { field, message } of tolerated) ctx.warn(`${field}: ${message}`);
    if (errors.length > 0) throw invalid(errorTarget(ctx), errors);
  }
  return next(ctx);
};
