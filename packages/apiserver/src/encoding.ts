import { dig, isObject, type JsonObject } from "@krate/apimachinery";
import { ownerTags } from "./ownership.ts";
import type { ServedResource } from "./resources/resource.ts";
import { encodeObject } from "./storage/encode-object.ts";
import type { EncodedObject } from "./storage/store.ts";

/** Encodes an object of a resource for the store, in its stored form and with the values of its selectable fields. */
export function encodeFor(resource: ServedResource, object: JsonObject): EncodedObject {
  const stored = resource.conversion === undefined ? object : resource.conversion.toStored(object);
  const fields: Record<string, string> = {};
  for (const path of resource.selectableFields) fields[path] = fieldText(stored, path);
  const encoded = encodeObject(stored as unknown as Parameters<typeof encodeObject>[0], fields);
  const tags = ownerTags(object);
  return Object.keys(tags).length === 0 ? encoded : { ...encoded, labels: { ...encoded.labels, ...tags } };
}

/** The text a field selector compares with; `""` when the field is absent. */
function fieldText(object: JsonObject, path: string): string {
  const value = dig(object, ...path.split("."));
  return value === undefined || value === null || isObject(value) || Array.isArray(value) ? "" : String(value);
}
