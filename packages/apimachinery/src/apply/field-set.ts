/**
 * Sets of field paths, the `fieldsV1` of managedFields.
 *
 *   f:<name>         a member of an object               k:<keys as JSON>  the item of a list map with these keys
 *   v:<value as JSON> an item of a list that is a set     i:<index>         an item of a list by position
 *
 * A path may be in the set without its parents, and a parent without its children: `.` inside a node that has children says that the node itself
 * is in the set, as `{}` says of a node without any.
 *
 * Source: sigs.k8s.io/structured-merge-diff/v6/fieldpath.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";

/** One node of the tree; sets are not changed after they are built, so they may share nodes. */
export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

interface MutableFieldSet extends FieldSet {
  member: boolean;
  children: Map<string, MutableFieldSet>;
}

const noChildren: ReadonlyMap<string, FieldSet> = new Map();
export const emptySet: FieldSet = { member: false, children: noChildren };
const leaf: FieldSet = { member: true, children: noChildren };

export function isEmpty(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

/** Collects paths. Nodes of `set` belong to the builder until it is no longer used. */
export class FieldSetBuilder {
  readonly set: MutableFieldSet = { member: false, children: new Map() };

  insert(path: readonly string[]): void {
    if (path.length === 0) return; // nobody owns the whole object
    let node = this.set;
    for (const element of path) {
      let child = node.children.get(element);
      if (child === undefined) {
        child = { member: false, children: new Map() };
        node.children.set(element, child);
      }
      node = child;
    }
    node.member = true;
  }
}

/** A set of paths written as lists of elements. */
export function fieldSetOf(...paths: readonly (readonly string[])[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder.set;
}

function node(member: boolean, children: ReadonlyMap<string, FieldSet>): FieldSet {
  if (children.size === 0) return member ? leaf : emptySet;
  return { member, children };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  const children = new Map(a.children);
  for (const [element, child] of b.children) {
    const other = children.get(element);
    children.set(element, other === undefined ? child : union(other, child));
  }
  return node(a.member || b.member, children);
}

/** What is in `a` and not in `b`; a parent in `b` takes nothing from below it. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const rest = other === undefined ? child : difference(child, other);
    if (!isEmpty(rest)) children.set(element, rest);
  }
  return node(a.member && !b.member, children);
}

/** As `difference`, but a parent in `b` takes everything below it too. */
export function differenceBelow(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmpty(b)) return a;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const rest = other === undefined ? child : other.member ? emptySet : differenceBelow(child, other);
    if (!isEmpty(rest)) children.set(element, rest);
  }
  return node(a.member && !b.member, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    const shared = other === undefined ? emptySet : intersection(child, other);
    if (!isEmpty(shared)) children.set(element, shared);
  }
  return node(a.member && b.member, children);
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.member !== b.member || a.children.size !== b.children.size) return false;
  for (const [element, child] of a.children) {
    const other = b.children.get(element);
    if (other === undefined || !equalSets(child, other)) return false;
  }
  return true;
}

/** The paths of the set, members of a node before what is below them, in the order of the elements. */
export function* pathsOf(set: FieldSet, prefix: readonly string[] = []): Generator<readonly string[]> {
  const elements = [...set.children].sort(byElement);
  for (const [element, child] of elements) if (child.member) yield [...prefix, element];
  for (const [element, child] of elements) yield* pathsOf(child, [...prefix, element]);
}

function byElement([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A path as kube-apiserver prints it in conflicts: `.spec.steps[name="a"].run`. */
export function formatPath(path: readonly string[]): string {
  return path.map(formatElement).join("");
}

function formatElement(element: string): string {
  const text = element.slice(2);
  switch (element.slice(0, 2)) {
    case "f:":
      return `.${text}`;
    case "k:": {
      const keys = JSON.parse(text) as JsonObject;
      return `[${Object.entries(keys)
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(",")}]`;
    }
    case "v:":
      return `[=${text}]`;
    default:
      return `[${text}]`;
  }
}

/** The wire form, elements in order. */
export function encodeFieldSet(set: FieldSet): JsonObject {
  const result: JsonObject = {};
  if (set.member && set.children.size > 0) result["."] = {};
  for (const [element, child] of [...set.children].sort(byElement)) result[element] = encodeFieldSet(child);
  return result;
}

/** @throws Error for what is no `fieldsV1` */
export function decodeFieldSet(fields: JsonValue | undefined): FieldSet {
  if (!isObject(fields)) throw new Error("fieldsV1 must be an object");
  return decodeNode(fields, true);
}

function decodeNode(fields: JsonObject, isRoot: boolean): FieldSet {
  const keys = Object.keys(fields);
  if (keys.length === 0) return isRoot ? emptySet : leaf;
  const children = new Map<string, FieldSet>();
  let member = false;
  for (const key of keys) {
    const value = fields[key];
    if (key === ".") member = !isRoot;
    else if (isObject(value)) children.set(canonicalElement(key), decodeNode(value, false));
    else throw new Error(`fieldsV1 member ${JSON.stringify(key)} must be an object`);
  }
  return node(member, children);
}

/** Go escapes `<`, `>` and `&` in keys where we do not: both must be one element. */
function canonicalElement(element: string): string {
  const kind = element.slice(0, 2);
  if (kind === "f:" || kind === "i:") return element;
  if (kind === "v:") return `v:${JSON.stringify(JSON.parse(element.slice(2)))}`;
  if (kind === "k:") return keyElement(JSON.parse(element.slice(2)) as JsonObject);
  throw new Error(`fieldsV1 has an element of unknown kind: ${JSON.stringify(element)}`);
}

/** The element of a list map's item: keys sorted by name. */
export function keyElement(keys: JsonObject): string {
  const names = Object.keys(keys);
  if (names.length === 1) return `k:${JSON.stringify(keys)}`;
  const sorted: JsonObject = {};
  for (const name of names.sort()) sorted[name] = keys[name];
  return `k:${JSON.stringify(sorted)}`;
}
