/**
 * How large the values of a schema can be: what the estimate of a rule's cost starts from. What a schema does not bound is bounded by the largest
 * request. Source: k8s.io/apiserver v0.36 pkg/cel/common/schemas.go and pkg/cel/limits.go.
 */
import type { Schema } from "../schema/types.ts";
import { valueSchema } from "../schema/types.ts";
import { escapeField, withMetadata } from "./types.ts";

export interface DeclaredSizes {
  /** Code points of a text (four bytes each, where the schema says a length), bytes, items or entries; 0 for what has no size. */
  maxElements: number;
  /** Bytes that the smallest value takes in a request. */
  minSerializedSize: number;
  /** Members of an object by their names in expressions. */
  fields?: ReadonlyMap<string, DeclaredSizes>;
  keys?: DeclaredSizes;
  /** Items of a list, values of a map. */
  elements?: DeclaredSizes;
}

/** What a request may have at most: Kubernetes fixes it for estimates, whatever the server takes. */
export const maxRequestBytes = 3 * 1024 * 1024;

const anyText: DeclaredSizes = { maxElements: 0, minSerializedSize: 2 };

const largestText = maxRequestBytes - 2;
/** Texts of these formats are values of types of their own. */
const formats: Readonly<Record<string, DeclaredSizes>> = {
  duration: { maxElements: 32, minSerializedSize: 3 },
  date: { maxElements: 12, minSerializedSize: 12 },
  "date-time": { maxElements: 32, minSerializedSize: 21 },
};

/** Sizes of a schema's values; undefined for what Kubernetes shows to no expression. The root of a resource has `kind`, `apiVersion` and `metadata`. */
export function declaredSizes(schema: Schema, isResource: boolean): DeclaredSizes | undefined {
  if (schema["x-kubernetes-int-or-string"])
    return { maxElements: textLength(schema) ?? largestText, minSerializedSize: 1 };
  switch (schema.type) {
    case "array":
      return listSizes(schema);
    case "object":
      return objectSizes(isResource ? withMetadata(schema) : schema);
    case "string":
      return textSizes(schema);
    case "boolean":
      return { maxElements: 0, minSerializedSize: 4 };
    case "number":
    case "integer":
      return { maxElements: 0, minSerializedSize: 1 };
    default:
      return undefined;
  }
}

/** A resource that stands in another has the fields of one. */
function memberSizes(schema: Schema): DeclaredSizes | undefined {
  return declaredSizes(schema, schema["x-kubernetes-embedded-resource"] === true);
}

function listSizes({ items, maxItems }: Schema): DeclaredSizes | undefined {
  const elements = items === undefined ? undefined : memberSizes(items);
  if (elements === undefined) return undefined;
  const most = Math.floor((maxRequestBytes - 2) / (elements.minSerializedSize + 1));
  return { maxElements: maxItems === undefined ? most : Math.max(0, maxItems), minSerializedSize: 2, elements };
}

function objectSizes(schema: Schema): DeclaredSizes | undefined {
  const values = valueSchema(schema);
  if (values !== undefined) {
    const elements = memberSizes(values);
    if (elements === undefined) return undefined;
    const most = Math.floor((maxRequestBytes - 2) / (elements.minSerializedSize + 6));
    const { maxProperties } = schema;
    const maxElements = maxProperties === undefined ? most : Math.max(0, maxProperties);
    return { maxElements, minSerializedSize: 2, keys: anyText, elements };
  }
  const fields = new Map<string, DeclaredSizes>();
  const required = new Set(schema.required);
  let minSerializedSize = 2;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const sizes = memberSizes(property);
    if (sizes === undefined) continue;
    const escaped = escapeField(name);
    if (escaped !== undefined) fields.set(escaped, sizes);
    if (required.has(name) && property.default === undefined)
      minSerializedSize += Buffer.byteLength(name) + sizes.minSerializedSize + 4;
  }
  return { maxElements: 0, minSerializedSize, fields };
}

function textLength({ maxLength }: Schema): number | undefined {
  return maxLength === undefined ? undefined : Math.max(0, maxLength) * 4;
}

function textSizes(schema: Schema): DeclaredSizes {
  const { format = "", maxLength } = schema;
  const known = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (known !== undefined) return known;
  if (format === "byte")
    return { maxElements: maxLength === undefined ? largestText : Math.max(0, maxLength), minSerializedSize: 2 };
  const choices = schema.enum ?? [];
  const longest = choices.reduce<number>(
    (length, each) => (typeof each === "string" ? Math.max(length, Buffer.byteLength(each)) : length),
    0,
  );
  return { maxElements: textLength(schema) ?? (choices.length > 0 ? longest : largestText), minSerializedSize: 2 };
}

/** Sizes of what a path of an expression leads to: a variable, then fields, `@items`, `@keys` and `@values`. */
export function sizesAt(root: DeclaredSizes, path: readonly string[]): DeclaredSizes | undefined {
  let at: DeclaredSizes | undefined = root;
  for (const name of path.slice(1)) {
    if (name === "@items" || name === "@values") at = at?.elements;
    else if (name === "@keys") at = at?.keys;
    else at = at?.fields?.get(name);
  }
  return at;
}
