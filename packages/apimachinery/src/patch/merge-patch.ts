import type { JsonObject, JsonValue } from "../json.ts";
import { cloneJson, isObject, own } from "../json.ts";

/**
 * Applies a JSON Merge Patch (RFC 7386): objects merge member by member, null removes, anything else replaces. Neither argument is changed.
 *
 *   MergePatch(target, patch): if patch is an object, target becomes one and takes each member in turn; else the result is patch.
 */
export function applyMergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  return mergeObjects(target, patch);
}

function mergeObjects(target: JsonValue | undefined, patch: JsonObject): JsonObject {
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    if (key === "__proto__") continue;
    const value = patch[key];
    if (value === null || value === undefined) delete result[key];
    else result[key] = isObject(value) ? mergeObjects(own(result, key), value) : cloneJson(value);
  }
  return result;
}
