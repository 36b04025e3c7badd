import type { JsonValue } from "../json.ts";

export interface ValidationRuleSchema {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** A schema of Kubernetes' OpenAPI v3 flavour ("structural schema"), with the extensions that change behaviour. */
export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  required?: readonly string[];
  enum?: readonly unknown[];
  default?: unknown;
  nullable?: boolean;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean | number;
  exclusiveMaximum?: boolean | number;
  multipleOf?: number;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  minProperties?: number;
  maxProperties?: number;
  allOf?: readonly Schema[];
  anyOf?: readonly Schema[];
  oneOf?: readonly Schema[];
  not?: Schema;
  "x-kubernetes-preserve-unknown-fields"?: boolean;
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-embedded-resource"?: boolean;
  "x-kubernetes-list-type"?: "atomic" | "set" | "map" | string;
  "x-kubernetes-list-map-keys"?: readonly string[];
  "x-kubernetes-map-type"?: "atomic" | "granular" | string;
  "x-kubernetes-patch-strategy"?: string;
  "x-kubernetes-patch-merge-key"?: string;
  "x-kubernetes-validations"?: readonly ValidationRuleSchema[];
  /**
   * Made by `linkSchema`, never published: members that are there even in an empty object, because their Go field is a struct or is written when
   * empty. Nobody comes to own such a member by being the first to put something into it.
   */
  "x-krate-always-there"?: readonly string[];
  "x-kubernetes-group-version-kind"?: readonly { group: string; version: string; kind: string }[];
}

/** Schemas by the name that `$ref` ends in, e.g. `io.k8s.api.core.v1.PodSpec`. */
export type Definitions = Readonly<Record<string, Schema>>;

/** The schema of the values of a map, if the schema says one. */
export function valueSchema(schema: Schema): Schema | undefined {
  return typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** The schema of one member of an object: its property, else that of map values. */
export function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema === undefined) return undefined;
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  return valueSchema(schema);
}

/** A default as plain JSON; undefined when the schema has none. */
export function defaultOf(schema: Schema | undefined): JsonValue | undefined {
  return schema?.default as JsonValue | undefined;
}
