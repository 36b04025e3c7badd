import { objectMetaSchema } from "./object-meta.ts";
import type { Schema } from "./types.ts";

type JsonSchema = Record<string, unknown>;

/** Keywords that mean the same in JSON Schema and are copied as they stand. */
const sameKeywords = [
  "format",
  "pattern",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "multipleOf",
  "required",
] as const;

/**
 * A Kubernetes schema as JSON Schema (2019 and later): `nullable`, int-or-string, embedded resources and the boolean `exclusiveMinimum` of
 * OpenAPI 3.0 spelled out. Schemas of objects become `$defs`: a Pod spelled out in full would be a validator of megabytes, and schemas may be cyclic.
 */
export function toJsonSchema(schema: Schema): JsonSchema {
  const converter = new Converter();
  const root = converter.convert(schema);
  return { ...root, $defs: converter.definitions };
}

class Converter {
  readonly definitions: Record<string, JsonSchema> = {};
  /** Schemas of objects by the name of their definition: written once, however often and in whatever cycle they are used. */
  readonly #named = new Map<Schema, string>();

  convert(schema: Schema): JsonSchema {
    if (schema.properties === undefined) return this.#keywords(schema);
    let name = this.#named.get(schema);
    if (name === undefined) {
      name = `d${this.#named.size}`;
      this.#named.set(schema, name);
      this.definitions[name] = this.#keywords(schema);
    }
    return { $ref: `#/$defs/${name}` };
  }

  #keywords(schema: Schema): JsonSchema {
    const result: JsonSchema = {};
    for (const keyword of sameKeywords) if (schema[keyword] !== undefined) result[keyword] = schema[keyword];
    Object.assign(result, types(schema), bounds(schema));
    if (schema.enum)
      result.enum = schema.nullable && !schema.enum.includes(null) ? [...schema.enum, null] : schema.enum;
    const properties = this.#properties(schema);
    if (properties !== undefined) result.properties = properties;
    if (schema["x-kubernetes-embedded-resource"])
      result.required = [...new Set([...(schema.required ?? []), "apiVersion", "kind"])];
    if (typeof schema.additionalProperties === "object")
      result.additionalProperties = this.convert(schema.additionalProperties);
    if (schema.items) result.items = this.convert(schema.items);
    if (schema.not) result.not = this.convert(schema.not);
    for (const key of ["allOf", "anyOf", "oneOf"] as const) {
      const list = schema[key];
      if (list !== undefined && list.length > 0) result[key] = list.map((each) => this.convert(each));
    }
    return result;
  }

  #properties(schema: Schema): JsonSchema | undefined {
    const own = Object.entries(schema.properties ?? {}).map(([key, each]) => [key, this.convert(each)] as const);
    if (!schema["x-kubernetes-embedded-resource"]) return own.length === 0 ? undefined : Object.fromEntries(own);
    const named = { type: "string", minLength: 1 };
    return { ...Object.fromEntries(own), apiVersion: named, kind: named, metadata: this.convert(objectMetaSchema) };
  }
}

function types(schema: Schema): JsonSchema {
  const types = schema["x-kubernetes-int-or-string"]
    ? ["integer", "string"]
    : schema.type === undefined
      ? []
      : [schema.type];
  if (types.length === 0) return {};
  if (schema.nullable) types.push("null");
  return { type: types.length === 1 ? types[0] : types };
}

function bounds(schema: Schema): JsonSchema {
  const result: JsonSchema = {};
  if (typeof schema.exclusiveMinimum === "number") result.exclusiveMinimum = schema.exclusiveMinimum;
  if (typeof schema.exclusiveMaximum === "number") result.exclusiveMaximum = schema.exclusiveMaximum;
  if (schema.minimum !== undefined)
    result[schema.exclusiveMinimum === true ? "exclusiveMinimum" : "minimum"] = schema.minimum;
  if (schema.maximum !== undefined)
    result[schema.exclusiveMaximum === true ? "exclusiveMaximum" : "maximum"] = schema.maximum;
  return result;
}
