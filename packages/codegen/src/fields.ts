import type { StructuralSchema } from "./structural-schema.ts";

/** One field of a schema, flattened. */
export interface Field {
  /** `spec.rules[].name`; `[]` is a list item, `{}` a map value. */
  path: string;
  schema: StructuralSchema;
  required: boolean;
}

/** Every field below `schema` in the order it is declared; `schema` itself is not one. */
export function fieldsOf(schema: StructuralSchema, path: string): Field[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, child]): Field[] => [
    { path: `${path}.${name}`, schema: child, required: schema.required?.includes(name) ?? false },
    ...fieldsOf(child, `${path}.${name}`),
  ]);
  const items = schema.items ? fieldsOf(schema.items, `${path}[]`) : [];
  const values = schema.additionalProperties ? fieldsOf(schema.additionalProperties, `${path}{}`) : [];
  return [...own, ...items, ...values];
}

/** `string`, `integer`, `[]string`, `map[string]string`, `[]object`, `quantity`. */
export function typeName(schema: StructuralSchema): string {
  if (schema["x-kubernetes-int-or-string"]) return "quantity";
  if (schema.type === "array" && schema.items) return `[]${typeName(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties)
    return `map[string]${typeName(schema.additionalProperties)}`;
  if (schema.format === "date-time") return "time";
  return schema.type ?? "any";
}

/** True when the field may be set once and never changed. */
export function isImmutable(parent: StructuralSchema, name: string): boolean {
  const own = parent.properties?.[name]?.["x-kubernetes-validations"] ?? [];
  const rules = parent["x-kubernetes-validations"] ?? [];
  return (
    own.some(({ rule }) => rule === "self == oldSelf") ||
    rules.some(
      ({ rule, message }) =>
        rule.includes(`oldSelf.${name}`) && message.startsWith(`${name} `) && message.includes("immutable"),
    )
  );
}
