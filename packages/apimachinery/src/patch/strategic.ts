/**
 * Strategic merge patch: a merge patch in which lists of objects can be merged by a key, as `kubectl edit`, `label` and client-side `apply` send
 * for core kinds. How a field merges is said by the schema: `x-kubernetes-patch-strategy` (merge, replace, retainKeys) and `-patch-merge-key`.
 *
 *   $patch: replace | delete        in an object: take the patch as it is; empty the object. In an item of a list: replace the whole list;
 *                                   delete the item with that merge key
 *   $deleteFromPrimitiveList/f      values to remove from the list f
 *   $setElementOrder/f              the order of the list f: merge keys or values
 *   $retainKeys                     members of this object that stay; all others go
 *
 * Source: k8s.io/apimachinery/pkg/util/strategicpatch/patch.go.
 */
import { badRequest } from "@krate/kinds";
import type { JsonObject, JsonValue } from "../json.ts";
import { cloneJson, equalJson, isObject, own } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import { inPatchOrder } from "./element-order.ts";

const directive = "$patch";
const retainKeys = "$retainKeys";
const deletionPrefix = "$deleteFromPrimitiveList/";
const orderPrefix = "$setElementOrder/";

/**
 * Applies a strategic merge patch to a copy of the object. Fields that the schema does not know merge as in a plain merge patch.
 *
 * @throws badRequest for a malformed patch: an unknown directive, an item without its merge key, an order that does not fit the list
 */
export function applyStrategicMergePatch(
  original: JsonObject,
  patch: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  return mergeObjects(cloneJson(original), cloneJson(patch), schema);
}

interface ListMerge {
  strategy: "merge" | "replace";
  mergeKey: string;
}

function listMergeOf(schema: Schema | undefined): ListMerge {
  const strategies = (schema?.["x-kubernetes-patch-strategy"] ?? "").split(",");
  return {
    strategy: strategies.includes("merge") ? "merge" : "replace",
    mergeKey: schema?.["x-kubernetes-patch-merge-key"] ?? "",
  };
}

/** Merges `patch` into `original`; both are ours to change. */
function mergeObjects(original: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const marker = own(patch, directive);
  if (marker !== undefined) return carryOut(marker, patch);
  applyRetainKeys(original, patch);
  for (const key of Object.keys(patch)) {
    if (key.startsWith(orderPrefix)) mergeInOrder(original, patch, key.slice(orderPrefix.length), schema);
  }
  for (const key of Object.keys(patch)) {
    if (key.startsWith(orderPrefix)) continue;
    if (key.startsWith(deletionPrefix)) deleteFromList(original, key.slice(deletionPrefix.length), patch[key]);
    else mergeMember(original, key, patch[key] ?? null, memberSchema(schema, key));
  }
  return original;
}

function carryOut(marker: JsonValue, patch: JsonObject): JsonObject {
  if (marker === "delete") return {};
  if (marker !== "replace")
    throw badRequest(`unknown patch type: ${JSON.stringify(marker)} in $patch: must be "replace" or "delete"`);
  const { [directive]: _marker, ...rest } = patch;
  return rest;
}

function mergeMember(original: JsonObject, key: string, value: JsonValue, schema: Schema | undefined): void {
  if (key === "__proto__") return;
  if (value === null) {
    delete original[key];
    return;
  }
  const before = own(original, key);
  if (isObject(before) && isObject(value)) {
    const replaces = (schema?.["x-kubernetes-patch-strategy"] ?? "").split(",").includes("replace");
    original[key] = replaces ? value : mergeObjects(before, value, schema);
  } else if (Array.isArray(before) && Array.isArray(value)) {
    original[key] = mergeLists(before, value, schema, key);
  } else {
    const plain = withoutDirectives(value);
    if (plain === undefined) delete original[key];
    else original[key] = plain;
  }
}

/** A new value has nothing to merge with: nulls in it mean nothing, and parts that are directives vanish. */
function withoutDirectives(value: JsonValue): JsonValue | undefined {
  if (Array.isArray(value)) return value.map(withoutDirectives).filter((each) => each !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, directive)) return undefined;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    const isDirective = key === retainKeys || key.startsWith(orderPrefix) || key.startsWith(deletionPrefix);
    const plain = member === undefined || member === null || isDirective ? undefined : withoutDirectives(member);
    if (plain !== undefined) result[key] = plain;
  }
  return result;
}

function applyRetainKeys(original: JsonObject, patch: JsonObject): void {
  const list = own(patch, retainKeys);
  if (list === undefined) return;
  delete patch[retainKeys];
  if (!Array.isArray(list)) throw badRequest(`invalid patch format of retainKeys: ${retainKeys} must be a list`);
  for (const key of Object.keys(patch)) {
    const named =
      patch[key] === null || key.startsWith(orderPrefix) || key.startsWith(deletionPrefix) || list.includes(key);
    if (!named)
      throw badRequest(
        `invalid patch format of retainKeys: ${retainKeys} must name ${JSON.stringify(key)}, which the patch sets`,
      );
  }
  for (const key of Object.keys(original)) if (!list.includes(key)) delete original[key];
}

function deleteFromList(original: JsonObject, key: string, values: JsonValue | undefined): void {
  const before = own(original, key);
  if (!Array.isArray(values))
    throw badRequest(`invalid patch format of primitive list: ${deletionPrefix}${key} must be a list`);
  if (Array.isArray(before)) original[key] = before.filter((each) => !values.some((value) => equalJson(value, each)));
}

/** Merges the list `key` and puts it in the order the patch names; takes both out of the patch. */
function mergeInOrder(original: JsonObject, patch: JsonObject, key: string, schema: Schema | undefined): void {
  const order = patch[orderPrefix + key];
  delete patch[orderPrefix + key];
  const before = own(original, key);
  const patched = own(patch, key);
  const listSchema = memberSchema(schema, key);
  const { mergeKey } = listMergeOf(listSchema);
  if (!Array.isArray(order))
    throw badRequest(`invalid patch format of setElementOrder list: ${orderPrefix}${key} must be a list`);
  if (
    (before !== undefined && !Array.isArray(before)) ||
    (patched !== undefined && patched !== null && !Array.isArray(patched))
  ) {
    throw badRequest(`invalid patch format of setElementOrder list: ${JSON.stringify(key)} is not a list`);
  }
  if (patched === null) return;
  if (patched !== undefined) checkOrder(patched, order, mergeKey, key);
  delete patch[key];
  if (before === undefined && patched === undefined) return;
  const merged =
    before === undefined
      ? ((withoutDirectives(patched ?? []) as JsonValue[] | undefined) ?? [])
      : patched === undefined
        ? before
        : mergeLists(before, patched, listSchema, key);
  original[key] = inPatchOrder(merged, order, before ?? [], mergeKey);
}

/** Items of the patch must stand in the same order as in $setElementOrder, and each must be named there; deletions need not. */
function checkOrder(patched: JsonValue[], order: JsonValue[], mergeKey: string, key: string): void {
  if (order.length === 0 || patched.length === 0) return;
  let at = 0;
  for (const item of patched) {
    if (isObject(item) && Object.hasOwn(item, directive)) continue;
    const wanted = keyOf(item, mergeKey, key);
    while (at < order.length && !equalJson(keyOf(order[at] ?? null, mergeKey, key), wanted)) at++;
    if (at++ >= order.length)
      throw badRequest(`the order in the patch list ${JSON.stringify(key)} doesn't match ${orderPrefix}${key}`);
  }
}

function keyOf(item: JsonValue, mergeKey: string, field: string): JsonValue {
  if (mergeKey === "") return item;
  const value = isObject(item) ? own(item, mergeKey) : undefined;
  if (value === undefined)
    throw badRequest(`each item of the list ${JSON.stringify(field)} must contain its declared merge key: ${mergeKey}`);
  return value;
}

function mergeLists(original: JsonValue[], patch: JsonValue[], schema: Schema | undefined, field: string): JsonValue[] {
  const { strategy, mergeKey } = listMergeOf(schema);
  if (strategy === "replace")
    return patch.map((each) => withoutDirectives(each) ?? null).filter((each) => each !== null);
  if (original.length === 0 && patch.length === 0) return original;
  const objects = [...original, ...patch].some(isObject);
  if (!objects) {
    const merged = unique([...original, ...patch]);
    return inPatchOrder(merged, patch, original, "");
  }
  if (mergeKey === "") throw badRequest(`cannot merge lists without merge key for ${JSON.stringify(field)}`);
  return mergeObjectLists(original, patch, schema, mergeKey, field);
}

function mergeObjectLists(
  original: JsonValue[],
  patch: JsonValue[],
  schema: Schema | undefined,
  mergeKey: string,
  field: string,
): JsonValue[] {
  const plain: JsonObject[] = [];
  let kept = original;
  let replaces = false;
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`each item of the list ${JSON.stringify(field)} must be an object`);
    const marker = own(item, directive);
    if (marker === undefined) plain.push(item);
    else if (marker === "replace") replaces = true;
    else if (marker === "delete") {
      const key = keyOf(item, mergeKey, field);
      kept = kept.filter((each) => !(isObject(each) && equalJson(own(each, mergeKey), key)));
    } else throw badRequest(`unknown patch type: ${JSON.stringify(marker)} in the list ${JSON.stringify(field)}`);
  }
  if (replaces) return plain.map((each) => withoutDirectives(each) ?? {});
  const merged = [...kept];
  for (const item of plain) {
    const key = keyOf(item, mergeKey, field);
    const index = merged.findIndex((each) => isObject(each) && equalJson(own(each, mergeKey), key));
    const found = merged[index];
    if (isObject(found)) merged[index] = mergeObjects(found, item, schema?.items);
    else merged.push(withoutDirectives(item) ?? {});
  }
  return inPatchOrder(merged, plain, kept, mergeKey);
}

function unique(list: JsonValue[]): JsonValue[] {
  return list.filter((value, index) => list.findIndex((each) => equalJson(each, value)) === index);
}
