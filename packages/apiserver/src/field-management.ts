/** Who owns which field: `metadata.managedFields`, kept by every write. */
import { applyConfiguration, type FieldManagerOptions, type JsonObject, trackUpdate } from "@krate/apimachinery";
import type { RequestContext } from "./context.ts";

function optionsOf(ctx: RequestContext, now: Date): FieldManagerOptions {
  const { schema, apiVersion, hasStatus } = ctx.served;
  const { subresource } = ctx.target;
  return {
    schema: schema?.schema,
    apiVersion,
    manager: ctx.options?.fieldManager ?? "",
    now,
    subresource,
    ...(!hasStatus && { resetFields: [] }),
  };
}

/** The stored object (none on create) after a server-side apply of `applied`. @throws Conflict with a cause per field */
export function applyServerSide(ctx: RequestContext, applied: JsonObject, now: Date): JsonObject {
  const explicit = ctx.params.get("fieldManager") ?? "";
  const options = { ...optionsOf(ctx, now), manager: explicit, force: ctx.options?.force ?? false };
  return applyConfiguration(ctx.old, applied, options);
}

/** `object` with its managedFields brought up to date for a create, update or patch. */
export function trackFields(ctx: RequestContext, object: JsonObject, now: Date): JsonObject {
  return trackUpdate(ctx.old, object, optionsOf(ctx, now));
}
