/** What the patch of a mutating webhook makes of the object. */
import { applyJsonPatch, equalJson, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { RequestContext } from "../../context.ts";
import { settle } from "../settle.ts";
import { inVersion } from "../versions.ts";
import type { Webhook } from "./configuration.ts";
import { internalFailure, WebhookCallError } from "./errors.ts";
import type { Invocation } from "./invocation.ts";
import type { Verdict } from "./review.ts";

const unavailable = 503;

/**
 * Changes `ctx.object`; unknown fields are dropped and defaults set, as if the client had sent it so.
 *
 * @returns whether the object is another one now
 * @throws InternalError when the patch does not fit, WebhookCallError when it is none
 */
export function applyVerdict(ctx: RequestContext, { webhook, as }: Invocation, verdict: Verdict): boolean {
  const { patch, patchType } = verdict;
  if (patch === undefined || patch === null) return false;
  if (!Array.isArray(patch)) throw undecodable(webhook, "a JSON patch is a list of operations");
  if (patch.length === 0) return false;
  if (ctx.operation === "DELETE" || ctx.object === undefined) {
    const text = `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`;
    throw internalFailure(new Error(text));
  }
  if (patchType !== "JSONPatch") {
    throw new WebhookCallError(webhook.name, `unsupported patch type ${JSON.stringify(patchType)}`, {
      code: unavailable,
    });
  }
  const before = ctx.object;
  const patched = inVersion(patchedObject(inVersion(before, ctx.served, as), patch), as, ctx.served);
  ctx.object = settle(ctx, patched);
  return !equalJson(before, ctx.object);
}

function undecodable({ name }: Webhook, why: string): WebhookCallError {
  return new WebhookCallError(name, `received undecodable patch in webhook response: ${why}`, { code: unavailable });
}

function patchedObject(object: JsonObject, patch: JsonValue[]): JsonObject {
  try {
    return applyJsonPatch(object, patch);
  } catch (error) {
    throw internalFailure(error instanceof Error ? error : new Error(String(error)));
  }
}
