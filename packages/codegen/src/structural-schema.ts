/**
 * From the schema vocabulary of `@krate/kinds` to a Kubernetes structural schema.
 * Source: Kubernetes documentation, "Custom Resources: Specifying a structural schema"; apiextensions.k8s.io/v1 JSONSchemaProps.
 */

/** A structural schema, as JSON. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  format?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  required?: string[];
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  anyOf?: StructuralSchema[];
  "x-kubernetes-validations"?: { rule: string; message: string; reason?: string; fieldPath?: string }[];
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-preserve-unknown-fields"?: true;
  "x-kubernetes-int-or-string"?: true;
  [extension: `x-kubernetes-${string}`]: unknown;
}

/** Keywords a kind may use, in the order they are written; any other one is a mistake in the kind. */
const keywords = [
  "type",
  "description",
  "format",
  "default",
  "enum",
  "pattern",
  "minLength",
  "maxLength",
  "minimum",
  "maximum",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "required",
  "properties",
  "additionalProperties",
  "items",
  "anyOf",
  "x-kubernetes-validations",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-int-or-string",
] as const;

/**
 * Copies `schema` as plain JSON in a fixed order of keywords.
 * @throws Error naming the path when a keyword is not allowed in a structural schema
 */
export function structuralSchema(schema: object, path = ""): StructuralSchema {
  const source = schema as Record<string, unknown>;
  const unknown = Object.keys(source).filter((key) => !(keywords as readonly string[]).includes(key));
  if (unknown.length > 0) {
    throw new Error(`${path || "the schema"} uses ${unknown.join(", ")}: a structural schema may not`);
  }
  const entries = keywords.flatMap((key) => (source[key] === undefined ? [] : [[key, copy(key, source[key], path)]]));
  return Object.fromEntries(entries) as StructuralSchema;
}

function copy(key: string, value: unknown, path: string): unknown {
  switch (key) {
    case "properties":
      return Object.fromEntries(
        Object.entries(value as Record<string, object>).map(([name, child]) => [
          name,
          structuralSchema(child, `${path}.${name}`),
        ]),
      );
    case "items":
      return structuralSchema(value as object, `${path}[*]`);
    case "additionalProperties":
      return structuralSchema(value as object, `${path}.*`);
    case "anyOf":
      return (value as object[]).map((child) => structuralSchema(child, path));
    default:
      return structuredClone(value);
  }
}
