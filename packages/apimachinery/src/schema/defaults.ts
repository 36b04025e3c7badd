/**
 * Defaulting from the schema.
 * Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/algorithm.go.
 */
import type { JsonValue } from "../json.ts";
import { cloneJson, isObject } from "../json.ts";
import type { Schema } from "./types.ts";
import { defaultOf, memberSchema, valueSchema } from "./types.ts";

/** Which parts of a schema hold a default somewhere: the rest is never walked. */
const defaulting = new WeakMap<Schema, boolean>();

/** Sets, in place, every missing field that has a default, and replaces nulls that the schema does not allow by their default. */
export function applyDefaults(value: JsonValue | undefined, schema: Schema | undefined): void {
  if (schema === undefined || !hasDefaults(schema)) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (value[i] === null) value[i] = replaceNull(schema.items) ?? null;
      applyDefaults(value[i], schema.items);
    }
    return;
  }
  if (!isObject(value)) return;
  if (schema.properties !== undefined) {
    for (const key of Object.keys(schema.properties)) {
      const property = schema.properties[key];
      const standard = defaultOf(property);
      if (standard === undefined || standard === null) continue; // as there: null is no default
      const present = Object.hasOwn(value, key) ? value[key] : undefined;
      if (present === undefined || (present === null && !property?.nullable)) value[key] = cloneJson(standard);
    }
  }
  const values = valueSchema(schema);
  for (const key of Object.keys(value)) {
    if (value[key] === null && values !== undefined && memberSchema(schema, key) === values)
      value[key] = replaceNull(values) ?? null;
    applyDefaults(value[key], memberSchema(schema, key));
  }
}

function replaceNull(schema: Schema | undefined): JsonValue | undefined {
  if (schema === undefined || schema.nullable) return undefined;
  const standard = defaultOf(schema);
  return standard === undefined ? undefined : cloneJson(standard);
}

function hasDefaults(schema: Schema): boolean {
  const known = defaulting.get(schema);
  if (known !== undefined) return known;
  defaulting.set(schema, true); // a cyclic schema asks for itself: walking too much is safe
  const children = [...Object.values(schema.properties ?? {}), schema.items, valueSchema(schema)];
  const found = children.some((each) => each !== undefined && (defaultOf(each) !== undefined || hasDefaults(each)));
  defaulting.set(schema, found);
  return found;
}
