/**
 * The fields an applied configuration lays claim to.
 * Source: sigs.k8s.io/structured-merge-diff/v6/typed/tofieldset.go.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import { itemsByElement } from "./compare.ts";
import type { FieldSet } from "./field-set.ts";
import { FieldSetBuilder } from "./field-set.ts";
import { isNamed, shapeOf } from "./shape.ts";

export function toFieldSet(object: JsonObject, schema: Schema | undefined): FieldSet {
  const builder = new FieldSetBuilder();
  visitMap(object, schema, [], builder);
  return builder.set;
}

function visit(
  value: JsonValue | undefined,
  schema: Schema | undefined,
  path: string[],
  builder: FieldSetBuilder,
): void {
  const shape = shapeOf(value, schema);
  if (shape === "map") visitMap(value as JsonObject, schema, path, builder);
  else if (shape === "set" || shape === "list-map") {
    for (const [element, items] of itemsByElement(value as JsonValue[], shape, schema)) {
      path.push(element);
      builder.insert(path);
      if (items.length === 1) visit(items[0], schema?.items, path, builder);
      path.pop();
    }
  } else builder.insert(path);
}

function visitMap(object: JsonObject, schema: Schema | undefined, path: string[], builder: FieldSetBuilder): void {
  for (const key of Object.keys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    path.push(`f:${key}`);
    visit(value, memberSchema(schema, key), path, builder);
    const isEmptyMap = isObject(value) && Object.keys(value).length === 0;
    if (value === null || isEmptyMap || !isNamed(schema, key)) builder.insert(path);
    path.pop();
  }
}

/**
 * The set with every member the schema names added that has something below it: whoever owns `spec.a.b` owns the named fields `spec` and `spec.a`
 * too when it comes to removing.
 */
export function withNamedParents(set: FieldSet, schema: Schema | undefined): FieldSet {
  if (set.children.size === 0) return set;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of set.children) {
    const isField = element.startsWith("f:");
    const key = element.slice(2);
    const below = withNamedParents(child, isField ? memberSchema(schema, key) : schema?.items);
    const joins = isField && below.children.size > 0 && isNamed(schema, key);
    children.set(element, joins && !below.member ? { member: true, children: below.children } : below);
  }
  return { member: set.member, children };
}
