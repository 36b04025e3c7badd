import type { JsonObject } from "@krate/apimachinery";
import { apiVersionOf, type KindRef } from "@krate/kinds";
import { metadataOf, nameOf, ownersOf, textOf } from "../objects.ts";

/** Makes `owner` an owner of `object`: deleted with it, never the reason why it stays. */
export function addOwner(object: JsonObject, kind: KindRef, owner: JsonObject): void {
  const uid = textOf(metadataOf(owner)["uid"]);
  const owners = ownersOf(object);
  if (owners.some((reference) => reference.uid === uid)) return;
  const reference = { apiVersion: apiVersionOf(kind), kind: kind.kind, name: nameOf(owner), uid };
  metadataOf(object)["ownerReferences"] = [...owners, reference] as unknown as JsonObject[];
}
