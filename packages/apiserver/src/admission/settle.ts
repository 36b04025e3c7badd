/** What becomes of an object that a plugin changed. */
import type { JsonObject } from "@krate/apimachinery";
import { badRequest, conflict, invalid } from "@krate/kinds";
import type { RequestContext } from "../context.ts";
import { metadataOf, textOf } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";

/** What the server does to every object that comes in. @throws Invalid, BadRequest or Conflict when it is another object now */
export function settle(ctx: RequestContext, object: JsonObject): JsonObject {
  const { served } = ctx;
  // A Scale or a Binding is judged by its handler.
  if (served.subresources.has(ctx.target.subresource)) return object;
  checkKind(served, object);
  checkNamespace(ctx, object);
  checkIdentity(ctx, object);
  served.schema?.prune(object);
  served.schema?.applyDefaults(object);
  served.strategy.complete?.(object);
  return object;
}

function checkKind(served: ServedResource, object: JsonObject): void {
  for (const key of ["apiVersion", "kind"] as const) {
    if (object[key] === served[key]) continue;
    const { group, kind } = served;
    const message = `Invalid value: ${JSON.stringify(object[key] ?? "")}: must be ${served[key]}`;
    throw invalid({ group, kind }, [{ reason: "FieldValueInvalid", field: key, message }]);
  }
}

/** An object is kept where the request says. */
function checkNamespace({ served, target }: RequestContext, object: JsonObject): void {
  if (!served.namespaced) return;
  const metadata = metadataOf(object);
  metadata["namespace"] ||= target.namespace;
  if (metadata["namespace"] === target.namespace) return;
  throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
}

/** An update stays one of the same object, and of the state that was read. */
function checkIdentity(ctx: RequestContext, object: JsonObject): void {
  const { served, old, existing } = ctx;
  if (old === undefined) return;
  const next = metadataOf(object);
  const before = metadataOf(old);
  const changed = (["name", "uid"] as const).filter((key) => textOf(next[key]) !== "" && next[key] !== before[key]);
  const { group, plural, kind } = served;
  const name = textOf(next["name"]) || textOf(before["name"]);
  if (changed.length > 0) {
    throw invalid(
      { group, kind, name },
      changed.map((key) => ({
        reason: "FieldValueInvalid",
        field: `metadata.${key}`,
        message: `Invalid value: ${JSON.stringify(next[key])}: field is immutable`,
      })),
    );
  }
  const revision = textOf(next["resourceVersion"]);
  if (revision !== "" && existing !== undefined && revision !== String(existing.revision)) {
    // The webhook would say so again.
    ctx.retriable = false;
    throw conflict({ group, plural, name }, modified);
  }
}

const modified = "the object has been modified; please apply your changes to the latest version and try again";
