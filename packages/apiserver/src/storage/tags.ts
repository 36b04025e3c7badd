/**
 * Labels and selectable fields as an index sees them: one text per pair, `<resource> <label>=<value>` or
 * `<resource> .<field>=<value>` (a label key never starts with a dot). The same texts are looked for in memory and by
 * Postgres, so a list and a watch cannot disagree. Pairs with an empty field value are left out: a field that is missing
 * and one that is empty are the same to a selector.
 */
import { createHash } from "node:crypto";
import type { EncodedObject, FieldRequirement, LabelRequirement, ObjectKey, Selector } from "./store.ts";

export type Tags = readonly string[];

/** Longer pairs are hashed: an index entry must fit a third of a database page. */
const maxTagLength = 256;
/** Separates tags in one text parameter; never inside one. */
export const tagSeparator = "\x1f";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
const controls = /[\x00-\x1f%]/;

/** Control characters cannot travel (NUL) or would split tags; `%` keeps the escape one-to-one. */
function escapeControls(text: string): string {
  if (!controls.test(text)) return text;
  return text.replace(new RegExp(controls, "g"), (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function tag(prefix: string, name: string, value: string): string {
  const text = `${prefix}${name}=${escapeControls(value)}`;
  if (text.length <= maxTagLength) return text;
  return `${prefix}${name}#${createHash("sha256").update(value).digest("base64url")}`.slice(-maxTagLength);
}

/** What stands before every tag of a resource. */
export function tagPrefix(resourceId: number): string {
  return `${resourceId} `;
}

export function tagsOf(resourceId: number, object: EncodedObject): Tags {
  const prefix = tagPrefix(resourceId);
  const labels = Object.entries(object.labels).map(([key, value]) => tag(prefix, key, value));
  const fields = Object.entries(object.fields)
    .filter(([, value]) => value !== "")
    .map(([field, value]) => tag(prefix, `.${field}`, value));
  return [...labels, ...fields];
}

/** One condition on an object's tags or its key; `negate` turns it round. */
export type Condition =
  | { on: "tags"; any: Tags; negate: boolean }
  /** Some tag starts with one of these: the label or field is there with any value. */
  | { on: "prefix"; prefixes: Tags; negate: boolean }
  | { on: "compare"; prefix: string; operator: "GreaterThan" | "LessThan"; value: bigint }
  | { on: "key"; part: "name" | "namespace"; value: string; negate: boolean };

/** A selector, ready to be tested in memory (`matches`) or written as SQL. All conditions must hold. */
export function compileSelector(resourceId: number, selector: Selector | undefined): readonly Condition[] {
  const prefix = tagPrefix(resourceId);
  return [
    ...(selector?.labels ?? []).map((requirement) => labelCondition(prefix, requirement)),
    ...(selector?.fields ?? []).map((requirement) => fieldCondition(prefix, requirement)),
  ];
}

function labelCondition(prefix: string, { key, operator, values }: LabelRequirement): Condition {
  switch (operator) {
    case "In":
    case "NotIn":
      return { on: "tags", any: values.map((value) => tag(prefix, key, value)), negate: operator === "NotIn" };
    case "Exists":
    case "DoesNotExist":
      return { on: "prefix", prefixes: [`${prefix}${key}=`, `${prefix}${key}#`], negate: operator === "DoesNotExist" };
    case "GreaterThan":
    case "LessThan":
      return { on: "compare", prefix: `${prefix}${key}=`, operator, value: BigInt(values[0] ?? "0") };
  }
}

function fieldCondition(prefix: string, { field, operator, value }: FieldRequirement): Condition {
  const negate = operator === "NotEquals";
  if (field === "metadata.name") return { on: "key", part: "name", value, negate };
  if (field === "metadata.namespace") return { on: "key", part: "namespace", value, negate };
  if (value === "") return { on: "prefix", prefixes: [`${prefix}.${field}=`, `${prefix}.${field}#`], negate: !negate };
  return { on: "tags", any: [tag(prefix, `.${field}`, value)], negate };
}

/** Integers only, as in Kubernetes; 18 digits fit a bigint of Postgres. */
export const comparableInteger = /^[+-]?\d{1,18}$/;

export function matches(conditions: readonly Condition[], key: ObjectKey, tags: Tags): boolean {
  return conditions.every((condition) => holds(condition, key, tags));
}

function holds(condition: Condition, key: ObjectKey, tags: Tags): boolean {
  switch (condition.on) {
    case "tags":
      return condition.any.some((each) => tags.includes(each)) !== condition.negate;
    case "prefix":
      return tags.some((each) => condition.prefixes.some((prefix) => each.startsWith(prefix))) !== condition.negate;
    case "key":
      return (key[condition.part] === condition.value) !== condition.negate;
    case "compare": {
      const found = tags.find((each) => each.startsWith(condition.prefix))?.slice(condition.prefix.length);
      if (found === undefined || !comparableInteger.test(found)) return false;
      const difference = BigInt(found) - condition.value;
      return condition.operator === "GreaterThan" ? difference > 0n : difference < 0n;
    }
  }
}
