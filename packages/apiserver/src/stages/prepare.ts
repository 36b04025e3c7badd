import { equalJson, type JsonObject } from "@krate/apimachinery";
import type { RequestContext, Stage } from "../context.ts";
import { metadataOf } from "../objects.ts";

/**
 * What the kind's strategy does before validation: status only by its subresource, generation, and the kind's own rules.
 * Failure: what a strategy throws (403, 404, 409, 422).
 */
export const prepare: Stage = async (ctx, next) => {
  if (ctx.operation === "CREATE") await prepareCreate(ctx);
  else if (ctx.operation === "UPDATE") await prepareUpdate(ctx);
  return next(ctx);
};

async function prepareCreate(ctx: RequestContext): Promise<void> {
  const object = ctx.object as JsonObject;
  if (ctx.served.hasStatus) delete object["status"];
  await ctx.served.strategy.prepareForCreate?.(ctx, object);
}

async function prepareUpdate(ctx: RequestContext): Promise<void> {
  const old = ctx.old as JsonObject;
  if (ctx.served.hasStatus) ctx.object = withoutOtherSide(ctx, ctx.object as JsonObject, old);
  const object = ctx.object as JsonObject;
  await ctx.served.strategy.prepareForUpdate?.(ctx, object, old);
  if (ctx.served.countsGeneration && !equalJson(content(object), content(old))) {
    metadataOf(object)["generation"] = Number(metadataOf(old)["generation"] ?? 1) + 1;
  }
  ctx.unchanged = equalJson(withoutRevision(object), withoutRevision(old));
}

/** The main resource never writes status, the status subresource nothing else (but managedFields). */
function withoutOtherSide(ctx: RequestContext, object: JsonObject, old: JsonObject): JsonObject {
  if (ctx.target.subresource !== "status") {
    if (old["status"] === undefined) delete object["status"];
    else object["status"] = old["status"];
    return object;
  }
  const { managedFields, resourceVersion } = metadataOf(object);
  const metadata: JsonObject = { ...metadataOf(old), ...(resourceVersion !== undefined && { resourceVersion }) };
  if (managedFields !== undefined) metadata["managedFields"] = managedFields;
  const result: JsonObject = { ...old, metadata };
  if (object["status"] === undefined) delete result["status"];
  else result["status"] = object["status"];
  return result;
}

/** What `metadata.generation` counts: everything but metadata and status. */
function content(object: JsonObject): JsonObject {
  const { metadata: _metadata, status: _status, ...rest } = object;
  return rest;
}

function withoutRevision(object: JsonObject): JsonObject {
  const { resourceVersion: _revision, ...metadata } = metadataOf(object);
  return { ...object, metadata };
}
