/**
 * Merges an applied configuration into the live object, and removes fields from an object.
 * Source: sigs.k8s.io/structured-merge-diff/v6/typed/merge.go and remove.go.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject, own } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import type { FieldSet } from "./field-set.ts";
import type { Shape } from "./shape.ts";
import { itemElement, shapeOf } from "./shape.ts";

/**
 * The live object with the configuration on top; shares the parts of both that did not have to be merged.
 *
 * @throws Error for an item of a list map without its keys, or two of the same key, in the configuration
 */
export function mergeApplied(live: JsonObject, applied: JsonObject, schema: Schema | undefined): JsonObject {
  const result: JsonObject = { ...live };
  for (const key of Object.keys(applied)) {
    result[key] = mergeValue(own(live, key), applied[key] ?? null, memberSchema(schema, key), `.${key}`);
  }
  return result;
}

function mergeValue(
  live: JsonValue | undefined,
  applied: JsonValue,
  schema: Schema | undefined,
  path: string,
): JsonValue {
  const shape = shapeOf(applied, schema);
  if (shape === "map" && isObject(applied)) {
    return isObject(live) && shapeOf(live, schema) === "map"
      ? mergeMaps(live, applied, schema, path)
      : mergeMaps({}, applied, schema, path);
  }
  if ((shape === "set" || shape === "list-map") && Array.isArray(applied)) {
    return mergeLists(Array.isArray(live) ? live : [], applied, shape, schema, path);
  }
  return applied;
}

function mergeMaps(live: JsonObject, applied: JsonObject, schema: Schema | undefined, path: string): JsonObject {
  const result: JsonObject = { ...live };
  for (const key of Object.keys(applied)) {
    result[key] = mergeValue(own(live, key), applied[key] ?? null, memberSchema(schema, key), `${path}.${key}`);
  }
  return result;
}

interface Indexed {
  element: string;
  item: JsonValue;
}

function indexApplied(list: JsonValue[], shape: Shape, schema: Schema | undefined, path: string): Indexed[] {
  const seen = new Set<string>();
  return list.map((item, index) => {
    let element: string;
    try {
      element = itemElement(item, shape, schema);
    } catch (cause) {
      throw new Error(`${path}: element ${index}: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    }
    if (seen.has(element)) throw new Error(`${path}: duplicate entries for key ${formatKey(element)}`);
    seen.add(element);
    return { element, item };
  });
}

function formatKey(element: string): string {
  if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
  const keys = Object.entries(JSON.parse(element.slice(2)) as JsonObject);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}

function indexLive(list: JsonValue[], shape: Shape, schema: Schema | undefined): Indexed[] {
  return list.map((item, index) => {
    try {
      return { element: itemElement(item, shape, schema), item };
    } catch {
      return { element: `i:${index}`, item }; // an item that validation would refuse today is kept as it is
    }
  });
}

/**
 * Items of both lists, the applied order kept: live items that are not applied stay where they are relative to the applied ones around them.
 */
function mergeLists(
  live: JsonValue[],
  applied: JsonValue[],
  shape: Shape,
  schema: Schema | undefined,
  path: string,
): JsonValue[] {
  const right = indexApplied(applied, shape, schema, path);
  const left = indexLive(live, shape, schema);
  const appliedElements = new Set(right.map(({ element }) => element));
  const liveItems = new Map<string, JsonValue | undefined>();
  for (const { element, item } of left) liveItems.set(element, liveItems.has(element) ? undefined : item); // duplicates do not merge
  const shared = right.filter(({ element }) => liveItems.has(element)).map(({ element }) => element);
  const merged = new Set<string>();
  const result: JsonValue[] = [];
  let nextShared = 0;
  const take = ({ element, item }: Indexed) => {
    merged.add(element);
    result.push(mergeValue(liveItems.get(element), item, schema?.items, `${path}${formatKeyOrIndex(element)}`));
    if (shared[nextShared] === element) nextShared++;
  };
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const ours = left[l];
    const theirs = right[r];
    if (ours !== undefined && theirs !== undefined) {
      if (ours.element === theirs.element) {
        take(theirs);
        l++;
        r++;
        continue;
      }
      if (appliedElements.has(ours.element) && nextShared < shared.length && shared[nextShared] !== ours.element) {
        l++; // shared, but its turn comes elsewhere
        continue;
      }
    }
    if (ours !== undefined) {
      if (!appliedElements.has(ours.element)) {
        result.push(ours.item);
        l++;
        continue;
      }
      if (merged.has(ours.element)) l++;
    }
    if (theirs !== undefined) {
      take(theirs);
      r++;
    }
  }
  return result;
}

function formatKeyOrIndex(element: string): string {
  return element.startsWith("i:") ? `[${element.slice(2)}]` : formatKey(element);
}

/** The object without the fields of the set. What becomes empty by it stays as null or is left out, as in kube-apiserver. */
export function removeFields(object: JsonObject, fields: FieldSet, schema: Schema | undefined): JsonObject {
  return (removeFromMap(object, fields, schema) as JsonObject | null) ?? {};
}

function removeFromValue(value: JsonValue, fields: FieldSet, schema: Schema | undefined): JsonValue {
  switch (shapeOf(value, schema)) {
    case "map":
      return removeFromMap(value as JsonObject, fields, schema);
    case "set":
    case "list-map":
      return removeFromList(value as JsonValue[], fields, schema);
    case "atomic":
      return null;
    case "scalar":
      return value;
  }
}

function removeFromMap(object: JsonObject, fields: FieldSet, schema: Schema | undefined): JsonValue {
  const result: JsonObject = {};
  for (const key of Object.keys(object)) {
    const value = object[key];
    const at = fields.children.get(`f:${key}`);
    if (value === undefined || at?.member) continue;
    result[key] =
      at === undefined || at.children.size === 0 ? value : removeFromValue(value, at, memberSchema(schema, key));
  }
  return Object.keys(result).length === 0 ? null : result;
}

function removeFromList(list: JsonValue[], fields: FieldSet, schema: Schema | undefined): JsonValue {
  const shape = shapeOf(list, schema);
  const result: JsonValue[] = [];
  for (const { element, item } of indexLive(list, shape, schema)) {
    const at = fields.children.get(element);
    if (at?.member) continue;
    result.push(at === undefined || at.children.size === 0 ? item : removeFromValue(item, at, schema?.items));
  }
  return result.length === 0 ? null : result;
}
