/**
 * Lists that are sets or maps hold no two entries that are the same.
 * Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype/validation.go.
 */
import type { FieldError } from "@krate/kinds";
import type { JsonObject, JsonValue } from "../json.ts";
import { canonicalJson, isObject, own } from "../json.ts";
import { child, duplicate, invalidValue } from "./field-errors.ts";
import type { Schema } from "./types.ts";
import { memberSchema, valueSchema } from "./types.ts";

const holding = new WeakMap<Schema, boolean>();

/** Errors for entries that appear twice in a list of type set or map, anywhere in the value. */
export function validateListTypes(value: JsonValue | undefined, schema: Schema | undefined, path = ""): FieldError[] {
  const errors: FieldError[] = [];
  visit(value, schema, path, errors);
  return errors;
}

function visit(value: JsonValue | undefined, schema: Schema | undefined, path: string, errors: FieldError[]): void {
  if (schema === undefined || !holdsLists(schema)) return;
  if (Array.isArray(value)) {
    if (schema["x-kubernetes-list-type"] === "set") checkSet(value, path, errors);
    if (schema["x-kubernetes-list-type"] === "map")
      checkMap(value, schema["x-kubernetes-list-map-keys"] ?? [], path, errors);
    for (let i = 0; i < value.length; i++) visit(value[i], schema.items, `${path}[${i}]`, errors);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) visit(value[key], memberSchema(schema, key), child(path, key), errors);
  }
}

function checkSet(list: JsonValue[], path: string, errors: FieldError[]): void {
  for (const index of repeats(list)) errors.push(duplicate(`${path}[${index}]`, list[index]));
}

function checkMap(list: JsonValue[], keys: readonly string[], path: string, errors: FieldError[]): void {
  const keyed: JsonObject[] = [];
  for (const [index, item] of list.entries()) {
    if (!isObject(item) && item !== null) {
      errors.push(invalidValue(`${path}[${index}]`, item, "must be an object for an array of list-type map"));
      return;
    }
    const key: JsonObject = {};
    for (const name of keys) if (item !== null && Object.hasOwn(item, name)) key[name] = own(item, name);
    keyed.push(key);
  }
  for (const index of repeats(keyed)) errors.push(duplicate(`${path}[${index}]`, keyed[index]));
}

/** Index of the second appearance of each value that appears more than once. */
function repeats(list: readonly JsonValue[]): number[] {
  if (list.length < 2) return [];
  const times = new Map<string, number>();
  const found: number[] = [];
  for (const [index, item] of list.entries()) {
    const text = canonicalJson(item);
    const before = times.get(text) ?? 0;
    if (before === 1) found.push(index);
    times.set(text, before + 1);
  }
  return found;
}

function holdsLists(schema: Schema): boolean {
  const known = holding.get(schema);
  if (known !== undefined) return known;
  holding.set(schema, true);
  const type = schema["x-kubernetes-list-type"];
  const children = [...Object.values(schema.properties ?? {}), schema.items, valueSchema(schema)];
  const found = type === "set" || type === "map" || children.some((each) => each !== undefined && holdsLists(each));
  holding.set(schema, found);
  return found;
}
