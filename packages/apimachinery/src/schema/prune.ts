/**
 * Pruning: fields that the schema does not know are removed and reported.
 * Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";
import { objectMetaSchema } from "./object-meta.ts";
import type { Schema } from "./types.ts";
import { defaultOf, memberSchema, valueSchema } from "./types.ts";

const typeFields = new Set(["apiVersion", "kind"]);

export interface PruneOptions {
  /** Nulls stay for validation to refuse, as those of an applied configuration do. @defaultValue false */
  keepNulls?: boolean;
}

/**
 * Removes, in place, every field of a resource that its schema does not name, and every null that the schema does not allow and no default
 * replaces. `metadata` is pruned by ObjectMeta's own schema, also inside embedded resources.
 *
 * @returns the paths of unknown fields, sorted, like `spec.list[0].foo`
 */
export function prune(object: JsonObject, schema: Schema, { keepNulls = false }: PruneOptions = {}): string[] {
  const pruning: Pruning = { unknown: [], keepNulls };
  pruneObject(object, { ...schema, "x-kubernetes-embedded-resource": true }, "", pruning);
  return pruning.unknown.sort();
}

interface Pruning {
  readonly unknown: string[];
  readonly keepNulls: boolean;
}

function pruneValue(value: JsonValue | undefined, schema: Schema, path: string, pruning: Pruning): void {
  if (Array.isArray(value)) {
    if (schema.items === undefined) return;
    for (let i = 0; i < value.length; i++) pruneValue(value[i], schema.items, `${path}[${i}]`, pruning);
  } else if (isObject(value) && !isAnything(schema)) pruneObject(value, schema, path, pruning);
}

function pruneObject(object: JsonObject, schema: Schema, path: string, pruning: Pruning): void {
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties === true;
  for (const key of Object.keys(object)) {
    const member = path === "" ? key : `${path}.${key}`;
    if (embedded && typeFields.has(key)) continue;
    if (embedded && key === "metadata") {
      if (isObject(object.metadata)) pruneObject(object.metadata, objectMetaSchema, member, pruning);
      continue;
    }
    const known = memberSchema(schema, key);
    if (known === undefined) {
      if (keepsAll) continue;
      delete object[key];
      pruning.unknown.push(member);
    } else if (object[key] === null) {
      const isDropped = !known.nullable && defaultOf(known) === undefined && dropsNull(known);
      if (isDropped && !pruning.keepNulls) delete object[key];
    } else pruneValue(object[key], known, member, pruning);
  }
}

/** A schema that says nothing at all, e.g. of JSON in a CRD's `default`. */
function isAnything(schema: Schema): boolean {
  return (
    schema.type === undefined &&
    schema.properties === undefined &&
    valueSchema(schema) === undefined &&
    schema["x-kubernetes-embedded-resource"] !== true
  );
}

/** Where anything may stand, null is a value like any other. */
function dropsNull(schema: Schema): boolean {
  return schema.type !== undefined || schema["x-kubernetes-int-or-string"] === true;
}
