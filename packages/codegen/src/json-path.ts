import type { StructuralSchema } from "./structural-schema.ts";

/**
 * The schemas a printer column's JSON path may point at: `.status.phase`, `.spec.rules[*].name`,
 * `.status.conditions[?(@.type=='Ready')].reason`. Empty when the path leads nowhere.
 */
export function schemasAt(schema: StructuralSchema, jsonPath: string): StructuralSchema[] {
  const steps = jsonPath.match(/\.[A-Za-z0-9_]+|\[[^\]]*\]/g) ?? [];
  if (steps.join("") !== jsonPath) return [];
  return steps.reduce<StructuralSchema[]>((found, step) => found.flatMap((at) => next(at, step)), [schema]);
}

function next(schema: StructuralSchema, step: string): StructuralSchema[] {
  if (step.startsWith("[")) return schema.items ? [schema.items] : [];
  const child = schema.properties?.[step.slice(1)] ?? schema.additionalProperties;
  return child ? [child] : [];
}
