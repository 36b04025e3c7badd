import {
  type JsonObject,
  validateRules as runRules,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "@krate/apimachinery";
import { type FieldError, type FieldErrorReason, invalid } from "@krate/kinds";
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
  const fromSchema = ((await schema?.validateInTurns(object, ctx.old)) ?? []).filter(
    (error) => !isZeroInStatus(ctx, error),
  );
  const metadata = metadataOf(object);
  const fromMetadata = validateObjectMeta(metadata, { namespaced, name: nameRule });
  if (ctx.old !== undefined) fromMetadata.push(...validateObjectMetaUpdate(metadata, metadataOf(ctx.old)));
  const errors = withoutRepeats([...fromMetadata, ...fromSchema.filter((error) => !isSaidByMetadata(error))]);
  // A strategy may rely on what the schema promises.
  if (errors.length === 0) return (await strategy.validate?.(ctx, object, ctx.old)) ?? [];
  if (schema === undefined || fromMetadata.length > 0 || errors.some(({ reason }) => hidesRules.has(reason)))
    return errors;
  const tolerated: FieldError[] = [];
  const fromRules = runRules(object, ctx.old, schema.schema, tolerated);
  for (const { field, message } of tolerated) ctx.warn(`${field}: ${message}`);
  return [...errors, ...fromRules];
}

/** An object with one of these may not have the shape that rules count on. Source: hasBlockingErr in customresource/validator.go. */
const hidesRules: ReadonlySet<FieldErrorReason> = new Set<FieldErrorReason>([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

/** The rules of ObjectMeta say it better. */
function isSaidByMetadata({ reason, field }: FieldError): boolean {
  return reason === "FieldValueRequired" && field.startsWith("metadata.ownerReferences");
}

function withoutRepeats(errors: readonly FieldError[]): FieldError[] {
  const seen = new Set<string>();
  return errors.filter(({ field, message }) => {
    const key = `${field}\n${message}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
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
