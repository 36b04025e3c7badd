/**
 * How dependents of an owner are found: every stored object is tagged with the uids of its owners, beside its labels but outside its
 * bytes. `~` cannot stand in a label key, so no client can name, set or see these tags.
 */
import type { JsonObject } from "@krate/apimachinery";
import { ownersOf } from "./objects.ts";
import type { LabelRequirement } from "./storage/store.ts";

const ownedTag = "~owned";

/** Tags of an object with owners. */
export function ownerTags(object: JsonObject): Record<string, string> {
  const owners = ownersOf(object);
  if (owners.length === 0) return {};
  return Object.fromEntries([[ownedTag, ""], ...owners.map(({ uid }) => [`~owner.${uid}`, ""])]);
}

/** Selects objects that have any owner. */
export const owned: readonly LabelRequirement[] = [{ key: ownedTag, operator: "Exists", values: [] }];

/** Selects the dependents of an owner. */
export function ownedBy(uid: string): readonly LabelRequirement[] {
  return [{ key: `~owner.${uid}`, operator: "Exists", values: [] }];
}
