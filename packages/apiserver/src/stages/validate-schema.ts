import { type JsonObject, validateObjectMeta, validateObjectMetaUpdate } from "@krate/apimachinery";
import { type FieldError, invalid } from "@krate/kinds";
import type { RequestContext, Stage } from "../context.ts";
import { metadataOf } from "../objects.ts";
import { errorTarget } from "./decode.ts";

/** Metadata rules, the schema, and what the strategy adds: 422 with one cause per field. */
export const validateSchema: Stage = async (ctx, next) => {
  if (ctx.operation !== "CREATE" && ctx.operation !== "UPDATE") return next(ctx);
  if (ctx.served.strategy.answer !== undefined) return next(ctx);
  const errors = await findErrors(ctx);
  if (errors.length > 0) throw invalid(errorTarget(ctx), ctx.served.isSecret ? errors.map(withoutValue) : errors);
  return next(ctx);
};

async function findErrors(ctx: RequestContext): Promise<FieldError[]> {
  const { schema, namespaced, nameRule, strategy } = ctx.served;
  const object = ctx.object as JsonObject;
  const fromSchema = (schema?.validate(object, ctx.old) ?? []).filter((error) => !isZeroInStatus(ctx, error));
  const metadata = metadataOf(object);
  const fromMetadata = validateObjectMeta(metadata, { namespaced, name: nameRule });
  if (ctx.old !== undefined) fromMetadata.push(...validateObjectMetaUpdate(metadata, metadataOf(ctx.old)));
  const errors = [...fromMetadata, ...fromSchema];
  // A strategy may rely on what the schema promises.
  return errors.length > 0 ? errors : ((await strategy.validate?.(ctx, object, ctx.old)) ?? []);
}

/** What a core kind's status lacks is its zero value in Go; kube-apiserver asks nobody for it. */
function isZeroInStatus({ served }: RequestContext, { reason, field }: FieldError): boolean {
  return served.allowsStrategicPatch && reason === "FieldValueRequired" && field.startsWith("status.");
}

/** Every quoted text may be a value, also in the middle of a message. */
function withoutValue(error: FieldError): FieldError {
  if (!/^(?:data|stringData)\b/.test(error.field)) return error;
  return { ...error, message: error.message.replace(/"(?:[^"\\]|\\.)*"/g, '"<secret contents redacted>"') };
}
