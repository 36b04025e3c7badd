/**
 * Admission of a subresource that is not a view of its object: its handler reads a Binding, an Eviction, a TokenRequest or a Scale, and has it admitted
 * before it does anything.
 */
import type { JsonObject } from "@krate/apimachinery";
import { readObject } from "../body.ts";
import type { RequestContext } from "../context.ts";
import { admission } from "../stages/validating-admission.ts";
import { writeOptions } from "../write-options.ts";

/** The object in the body, as admission leaves it. @throws what refuses it */
export async function readAdmitted(ctx: RequestContext): Promise<JsonObject> {
  return admitSubresource(ctx, await readObject(ctx), undefined);
}

/** @param old what an update starts from; a create when undefined */
export async function admitSubresource(
  ctx: RequestContext,
  object: JsonObject,
  old: JsonObject | undefined,
): Promise<JsonObject> {
  const { group, version, kind } = ctx.served.subresources.get(ctx.target.subresource) ?? ctx.served;
  object["apiVersion"] ??= group === "" ? version : `${group}/${version}`;
  object["kind"] ??= kind;
  ctx.options ??= writeOptions(ctx);
  ctx.operation = old === undefined ? "CREATE" : "UPDATE";
  ctx.object = object;
  ctx.old = old;
  try {
    await admission(ctx.services.admission)(ctx);
    return ctx.object;
  } finally {
    // The stages behind have nothing to do with it.
    ctx.operation = undefined;
    ctx.object = undefined;
    ctx.old = undefined;
  }
}
