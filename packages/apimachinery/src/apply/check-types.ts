/**
 * Whether an applied configuration has the types its schema names: what does not cannot be merged.
 * Source: sigs.k8s.io/structured-merge-diff/v6/typed/validate.go and helpers.go.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";

const maxErrors = 20;

/** Texts such as `.spec.teeth: expected numeric (int or float), got string`; none for null, which fits every type. */
export function typeErrors(configuration: JsonObject, schema: Schema | undefined): string[] {
  const errors: string[] = [];
  visit(configuration, schema, "", errors);
  return errors;
}

function visit(value: JsonValue | undefined, schema: Schema | undefined, path: string, errors: string[]): void {
  if (schema === undefined || value === null || value === undefined || errors.length >= maxErrors) return;
  const wanted = wantedBy(schema);
  if (wanted !== undefined && !wanted.fits(value)) {
    errors.push(`${path}: expected ${wanted.name}, got ${goType(value)}`);
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(item, schema.items, `${path}[${index}]`, errors);
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) visit(value[key], memberSchema(schema, key), `${path}.${key}`, errors);
  }
}

interface Wanted {
  name: string;
  fits(value: JsonValue): boolean;
}

const numeric: Wanted = { name: "numeric (int or float)", fits: (value) => typeof value === "number" };
const wantedByType: Readonly<Record<string, Wanted>> = {
  object: { name: "map", fits: isObject },
  array: { name: "list", fits: (value) => Array.isArray(value) },
  string: { name: "string", fits: (value) => typeof value === "string" },
  boolean: { name: "boolean", fits: (value) => typeof value === "boolean" },
  integer: numeric,
  number: numeric,
};

function wantedBy(schema: Schema): Wanted | undefined {
  if (schema["x-kubernetes-int-or-string"] === true || typeof schema.type !== "string") return undefined;
  return wantedByType[schema.type];
}

/** How Go prints the type of what JSON holds. */
function goType(value: JsonValue): string {
  if (Array.isArray(value)) return "[]interface {}";
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int64" : "float64";
    default:
      return "map[string]interface {}";
  }
}
