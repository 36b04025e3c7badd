/**
 * Which fields differ between two objects.
 * Source: sigs.k8s.io/structured-merge-diff/v6/typed/compare.go.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { equalJson, isObject, own } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import type { FieldSet } from "./field-set.ts";
import { FieldSetBuilder } from "./field-set.ts";
import type { Shape } from "./shape.ts";
import { itemElement, shapeOf } from "./shape.ts";

/** No path is in more than one of the three. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

export function compareObjects(old: JsonObject, next: JsonObject, schema: Schema | undefined): Comparison {
  const walker = new CompareWalker();
  walker.compareMaps(old, next, schema, []);
  return { added: walker.added.set, modified: walker.modified.set, removed: walker.removed.set };
}

class CompareWalker {
  readonly added = new FieldSetBuilder();
  readonly modified = new FieldSetBuilder();
  readonly removed = new FieldSetBuilder();

  /** One of the two may be missing; members that are always there are so only in an object that is. */
  compareMaps(
    old: JsonObject | undefined,
    next: JsonObject | undefined,
    schema: Schema | undefined,
    path: string[],
  ): void {
    const always = old !== undefined && next !== undefined ? schema?.["x-krate-always-there"] : undefined;
    for (const key of Object.keys(old ?? {})) {
      const before = own(old ?? {}, key);
      const given = own(next ?? {}, key);
      const after = given === undefined && always?.includes(key) ? emptyLike(before) : given;
      this.#compareAt(`f:${key}`, before, after, memberSchema(schema, key), path);
    }
    for (const key of Object.keys(next ?? {})) {
      if (old !== undefined && Object.hasOwn(old, key)) continue;
      const after = own(next ?? {}, key);
      const before = always?.includes(key) ? emptyLike(after) : undefined;
      this.#compareAt(`f:${key}`, before, after, memberSchema(schema, key), path);
    }
  }

  #compareAt(
    element: string,
    old: JsonValue | undefined,
    next: JsonValue | undefined,
    schema: Schema | undefined,
    path: string[],
  ): void {
    if (equalJson(old, next)) return;
    path.push(element);
    this.#compare(old, next, schema, path);
    path.pop();
  }

  /** The two values differ; one of them may be missing. */
  #compare(old: JsonValue | undefined, next: JsonValue | undefined, schema: Schema | undefined, path: string[]): void {
    const shape = shapeOf(next ?? old, schema);
    const before = shapeOf(old ?? next, schema);
    // Null is a wildcard that takes the other side's form; two forms are each compared on their own.
    const mixed = shape !== before && old !== undefined && next !== undefined && old !== null && next !== null;
    if (mixed) this.#compareAs(before, old, next, schema, path);
    const isLeaf = this.#compareAs(mixed || next !== null ? shape : before, old, next, schema, path);
    if (isLeaf) return;
    if (old === undefined) this.added.insert(path);
    else if (next === undefined) this.removed.insert(path);
  }

  #compareAs(
    shape: Shape,
    old: JsonValue | undefined,
    next: JsonValue | undefined,
    schema: Schema | undefined,
    path: string[],
  ): boolean {
    const isMap = shape === "map";
    const isList = shape === "set" || shape === "list-map";
    const bothEmpty = isMap ? hasNoMembers(old) && hasNoMembers(next) : hasNoItems(old) && hasNoItems(next);
    if ((!isMap && !isList) || bothEmpty) {
      this.#leaf(old, next, path);
      return true;
    }
    if (isMap) this.compareMaps(isObject(old) ? old : undefined, isObject(next) ? next : undefined, schema, path);
    else this.#compareLists(shape, Array.isArray(old) ? old : [], Array.isArray(next) ? next : [], schema, path);
    return false;
  }

  #leaf(old: JsonValue | undefined, next: JsonValue | undefined, path: readonly string[]): void {
    if (old === undefined) this.added.insert(path);
    else if (next === undefined) this.removed.insert(path);
    else this.modified.insert(path);
  }

  #compareLists(shape: Shape, old: JsonValue[], next: JsonValue[], schema: Schema | undefined, path: string[]): void {
    const before = itemsByElement(old, shape, schema);
    const after = itemsByElement(next, shape, schema);
    for (const element of new Set([...before.keys(), ...after.keys()])) {
      this.#compareItems(element, before.get(element) ?? [], after.get(element) ?? [], schema, path);
    }
  }

  /** Items that appear twice have no owner of their own: they are compared as one piece. */
  #compareItems(
    element: string,
    old: JsonValue[],
    next: JsonValue[],
    schema: Schema | undefined,
    path: string[],
  ): void {
    const here = [...path, element];
    if (old.length <= 1 && next.length <= 1) this.#compareAt(element, old[0], next[0], schema?.items, path);
    else if (old.length >= 2 && next.length >= 2) {
      if (!equalJson(old, next)) this.modified.insert(here);
    } else if (old.length >= 2) {
      if (next.length > 0) this.#compareAt(element, undefined, next[0], schema?.items, path);
      this.removed.insert(here);
    } else {
      if (old.length > 0) this.#compareAt(element, old[0], undefined, schema?.items, path);
      this.added.insert(here);
    }
  }
}

/** What Go writes for a field of this form that nobody has set. */
function emptyLike(value: JsonValue | undefined): JsonValue {
  return isObject(value) ? {} : null;
}

function hasNoMembers(value: JsonValue | undefined): boolean {
  return !isObject(value) || Object.keys(value).length === 0;
}

function hasNoItems(value: JsonValue | undefined): boolean {
  return !Array.isArray(value) || value.length === 0;
}

/** Items by path element; an item without its keys cannot be told from others and is left out. */
export function itemsByElement(
  list: readonly JsonValue[],
  shape: Shape,
  schema: Schema | undefined,
): Map<string, JsonValue[]> {
  const items = new Map<string, JsonValue[]>();
  for (const item of list) {
    const element = elementOrUndefined(item, shape, schema);
    if (element === undefined) continue;
    const same = items.get(element);
    if (same === undefined) items.set(element, [item]);
    else same.push(item);
  }
  return items;
}

function elementOrUndefined(item: JsonValue, shape: Shape, schema: Schema | undefined): string | undefined {
  try {
    return itemElement(item, shape, schema);
  } catch {
    return undefined; // what has no element has no owner; validation tells the user that the key is required
  }
}
