import { dig, isObject, type JsonObject } from "@krate/apimachinery";
import { ApiError } from "@krate/kinds";
import { ownerTags } from "./ownership.ts";
import type { ServedResource } from "./resources/resource.ts";
import { encodeObject } from "./storage/encode-object.ts";
import type { EncodedObject } from "./storage/store.ts";

/** etcd's limit of a request: also what patches and webhooks make an object grow to (API-02). */
const maxObjectBytes = 1.5 * 1024 * 1024;
/** No character of a string takes more bytes in UTF-8. */
const maxBytesPerCharacter = 3;

/**
 * Encodes an object of a resource for the store, in its stored form and with the values of its selectable fields.
 *
 * @throws RequestEntityTooLarge
 */
export function encodeFor(resource: ServedResource, object: JsonObject): EncodedObject {
  const stored = resource.conversion === undefined ? object : resource.conversion.toStored(object);
  const fields: Record<string, string> = {};
  for (const path of resource.selectableFields) fields[path] = fieldText(stored, path);
  const encoded = encodeObject(stored as unknown as Parameters<typeof encodeObject>[0], fields);
  checkSize(encoded);
  const tags = ownerTags(object);
  return Object.keys(tags).length === 0 ? encoded : { ...encoded, labels: { ...encoded.labels, ...tags } };
}

/** The text a field selector compares with; `""` when the field is absent. */
function fieldText(object: JsonObject, path: string): string {
  const value = dig(object, ...path.split("."));
  return value === undefined || value === null || isObject(value) || Array.isArray(value) ? "" : String(value);
}

function checkSize({ head, tail }: EncodedObject): void {
  if ((head.length + tail.length) * maxBytesPerCharacter <= maxObjectBytes) return;
  if (Buffer.byteLength(head) + Buffer.byteLength(tail) <= maxObjectBytes) return;
  throw new ApiError("RequestEntityTooLarge", `the object is too large: at most ${maxObjectBytes} bytes are stored`);
}
