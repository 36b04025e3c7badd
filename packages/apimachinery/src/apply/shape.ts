/**
 * How a value merges, by its schema: as a scalar, as one piece ("atomic"), member by member, or item by item. Where the schema says nothing
 * (custom resources without one, preserved fields) maps merge member by member and lists are atomic.
 *
 * Source: k8s.io/kube-openapi/pkg/schemaconv, and `deduceAtom` in sigs.k8s.io/structured-merge-diff/v6/typed.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject, own } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { defaultOf } from "../schema/types.ts";
import { keyElement } from "./field-set.ts";

export type Shape = "scalar" | "atomic" | "map" | "set" | "list-map";

/** The shape of a value, which decides where the schema leaves it open or the value does not fit. */
export function shapeOf(value: JsonValue | undefined, schema: Schema | undefined): Shape {
  if (Array.isArray(value)) return listShape(schema);
  if (!isObject(value)) return "scalar";
  if (schema?.["x-kubernetes-map-type"] === "atomic") return "atomic";
  return "map";
}

function listShape(schema: Schema | undefined): Shape {
  const declared = schema?.["x-kubernetes-list-type"];
  if (declared === "map") return "list-map";
  if (declared === "set") return "set";
  if (declared !== undefined || schema?.["x-kubernetes-patch-strategy"] === undefined) return "atomic";
  const merges = schema["x-kubernetes-patch-strategy"].split(",").includes("merge");
  if (!merges) return "atomic";
  return schema["x-kubernetes-patch-merge-key"] === undefined ? "set" : "list-map";
}

function mapKeys(schema: Schema | undefined): readonly string[] {
  const keys = schema?.["x-kubernetes-list-map-keys"];
  if (keys !== undefined) return keys;
  const key = schema?.["x-kubernetes-patch-merge-key"];
  return key === undefined ? [] : [key];
}

/**
 * The path element of a list item. A missing key takes the default that the schema gives it.
 *
 * @throws Error when an item of a list map has none of its keys
 */
export function itemElement(item: JsonValue, shape: Shape, schema: Schema | undefined): string {
  if (shape === "set") return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  let found = 0;
  for (const key of mapKeys(schema)) {
    const value = isObject(item) ? own(item, key) : undefined;
    const used = value ?? defaultOf(schema?.items?.properties?.[key]);
    if (used === undefined) continue;
    keys[key] = used;
    found++;
  }
  if (found > 0) return keyElement(keys);
  const names = mapKeys(schema).map((key) => JSON.stringify(key));
  throw new Error(
    `associative list with keys has an element that omits key field ${names.join(", ")} (and doesn't have default value)`,
  );
}

/** True for a member that the schema names, as opposed to one of a map or of preserved fields. */
export function isNamed(schema: Schema | undefined, key: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, key);
}
