/**
 * The schema vocabulary of kinds: TypeBox types (JSON Schema with an inferred TypeScript type) restricted to what a
 * Kubernetes structural schema may say, plus the `x-kubernetes-*` extensions.
 * Every field has a description: it is the text of `kubectl explain`, of the reference docs and of the console form.
 */
import { type Static, type TSchema, Type } from 'typebox';

export { type Static, type TSchema, Type };

/** One CEL rule of `x-kubernetes-validations`; `self` is the field's value, `oldSelf` the stored one. */
export interface ValidationRule {
  rule: string;
  message: string;
  reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired' | 'FieldValueDuplicate';
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** A string that must be one of `values`: `enum`, not `anyOf`, because structural schemas want it so. */
export function oneOf<const Values extends readonly string[]>(
  values: Values,
  options: { description: string; default?: Values[number] },
) {
  return Type.Unsafe<Values[number]>({ type: 'string', enum: [...values], ...options });
}

/** Adds CEL rules to a schema. */
export function withRules<T extends TSchema>(schema: T, ...rules: ValidationRule[]): T {
  const existing = (schema as { 'x-kubernetes-validations'?: ValidationRule[] })['x-kubernetes-validations'] ?? [];
  return { ...schema, 'x-kubernetes-validations': [...existing, ...rules] };
}

/** The field may be set once and never changed. Use on required fields; optional ones need a rule on their parent. */
export function immutable<T extends TSchema>(schema: T): T {
  return withRules(schema, { rule: 'self == oldSelf', message: 'is immutable' });
}

/** Name of another object in the same namespace. */
export function nameOf(target: string, description = `Name of the ${target}, in the same namespace.`) {
  return Type.String({ minLength: 1, maxLength: 253, description });
}

/** RFC 3339 time. */
export function time(description: string) {
  return Type.String({ format: 'date-time', description });
}

/** A list that server-side apply merges by `keys`; entries with equal keys are one entry. */
export function listMap<T extends TSchema>(item: T, keys: string[], options: { description: string; maxItems?: number }) {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys });
}

/** A list without duplicates whose members server-side apply merges one by one. */
export function setOf<T extends TSchema>(item: T, options: { description: string; maxItems?: number; minItems?: number }) {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'set' });
}

/** A list owned as a whole by whoever wrote it last. */
export function atomicList<T extends TSchema>(
  item: T,
  options: { description: string; maxItems?: number; minItems?: number; default?: unknown },
) {
  return Type.Array(item, { ...options, 'x-kubernetes-list-type': 'atomic' });
}

/** `spec.organizationRef`: required and immutable on every product kind. */
export const organizationRef = immutable(
  Type.String({
    minLength: 1,
    maxLength: 63,
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
    description: 'Organization this object belongs to; must be the one bound to its namespace.',
  }),
);

export const conditionsSchema = listMap(
  Type.Object({
    type: Type.String({ maxLength: 316, description: 'Name of the condition, unique in the list.' }),
    status: oneOf(['True', 'False', 'Unknown'], { description: 'Whether the condition holds.' }),
    reason: Type.String({ maxLength: 1024, description: 'CamelCase word for programs; one of the documented reasons.' }),
    message: Type.String({ maxLength: 32768, description: 'Explanation for people; never parsed.' }),
    observedGeneration: Type.Optional(Type.Integer({ description: 'metadata.generation this condition was computed from.' })),
    lastTransitionTime: time('When status last changed.'),
  }),
  ['type'],
  { description: 'Current truth about this object, one entry per type.' },
);

/** Fields every status has; spread into the kind's status object. */
export const commonStatus = {
  storage: Type.Optional(oneOf(['etcd', 'postgres'], { description: 'Where this object is stored.' })),
  observedGeneration: Type.Optional(Type.Integer({ description: 'metadata.generation last reconciled.' })),
  conditions: Type.Optional(conditionsSchema),
};
