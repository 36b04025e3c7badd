/** Other versions of what a request is about: a rule may name one, and is then told of the object in that version. */
import { cloneJson, type JsonObject } from "@krate/apimachinery";
import type { RequestContext } from "../context.ts";
import type { ServedResource } from "../resources/resource.ts";
import { objectKindOf, type Representation } from "./attributes.ts";

/** Resources that show the same stored objects, found when first asked for. */
export function equivalentsOf({ served, services }: RequestContext): () => readonly ServedResource[] {
  let found: readonly ServedResource[] | undefined;
  return () => {
    found ??= services.registry
      .all()
      .filter(
        (each) =>
          each.storage.group === served.storage.group &&
          each.storage.resource === served.storage.resource &&
          (each.group !== served.group || each.version !== served.version || each.plural !== served.plural),
      );
    return found;
  };
}

export function representationOf(ctx: RequestContext, resource: ServedResource): Representation {
  const { group, version, plural } = resource;
  return { group, version, resource: plural, objectKind: objectKindOf(ctx, resource) };
}

/** `object` as `to` shows it; the same object when that is no other form. */
export function inVersion<T extends JsonObject | undefined>(object: T, from: ServedResource, to: ServedResource): T {
  if (object === undefined || from === to) return object;
  const copy = cloneJson(object) as JsonObject;
  const stored = from.conversion?.toStored(copy) ?? copy;
  const served = to.conversion?.toServed(stored) ?? stored;
  return { ...served, apiVersion: to.apiVersion, kind: to.kind } as unknown as T;
}
