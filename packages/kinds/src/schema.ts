/**
 * The schema vocabulary of kinds: TypeBox types (JSON Schema with an inferred TypeScript type) restricted to what a
 * Kubernetes structural schema may say, plus the `x-kubernetes-*` extensions.
 * Every field has a description: it is the text of `kubectl explain`, of the reference docs and of the console form.
 */
import { type Static, type TSchema, Type } from "typebox";

export { type Static, type TSchema, Type };

/** One CEL rule of `x-kubernetes-validations`; `self` is the field's value, `oldSelf` the stored one. */
export interface ValidationRule {
  rule: string;
  message: string;
  reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired" | "FieldValueDuplicate";
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** A string that must be one of `values`: `enum`, not `anyOf`, because structural schemas want it so. */
export function oneOf<const Values extends readonly string[]>(
  values: Values,
  options: { description: string; default?: Values[number] },
) {
  return Type.Unsafe<Values[number]>({ type: "string", enum: [...values], ...options });
}

/** Adds CEL rules to a schema. */
export function withRules<T extends TSchema>(schema: T, ...rules: ValidationRule[]): T {
  const existing = (schema as { "x-kubernetes-validations"?: ValidationRule[] })["x-kubernetes-validations"] ?? [];
  return { ...schema, "x-kubernetes-validations": [...existing, ...rules] };
}

/** The field may be set once and never changed. Use on required fields; optional ones need a rule on their parent. */
export function immutable<T extends TSchema>(schema: T): T {
  return withRules(schema, { rule: "self == oldSelf", message: "is immutable" });
}

/** Words CEL keeps for itself that are also field names; rules write them `__namespace__`. */
const celReserved = new Set(["if", "in", "namespace", "package"]);

function celName(field: string): string {
  return celReserved.has(field) ? `__${field}__` : field;
}

/** Rules for the spec's root: each field may be set once (or defaulted) and never changed or removed afterwards. */
export function setOnce(...fields: string[]): ValidationRule[] {
  return fields.map((field) => {
    const name = celName(field);
    return {
      rule: `!has(oldSelf.${name}) || (has(self.${name}) && self.${name} == oldSelf.${name})`,
      message: `${field} is immutable`,
      reason: "FieldValueForbidden",
    };
  });
}

/** Name of another object in the same namespace. */
export function nameOf(target: string, description = `Name of the ${target}, in the same namespace.`) {
  return Type.String({ minLength: 1, maxLength: 253, description });
}

/** RFC 3339 time. */
export function time(description: string) {
  return Type.String({ format: "date-time", description });
}

/** A string of at most `maxLength` characters; every string is bounded so that the cost of CEL rules is. */
export function text(maxLength: number, description: string, options: { minLength?: number; default?: string } = {}) {
  return Type.String({ ...options, maxLength, description });
}

/** A whole number; `minimum` is 0 unless told. */
export function integer(description: string, options: { minimum?: number; maximum?: number; default?: number } = {}) {
  return Type.Integer({ minimum: 0, ...options, description });
}

/** A commit or object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. */
export function sha(description: string) {
  return Type.String({ pattern: "^[0-9a-f]{40}([0-9a-f]{24})?$", maxLength: 64, description });
}

/** A map from string to `value`: `additionalProperties`, which structural schemas allow, not `patternProperties`. */
export function mapOf<T extends TSchema>(
  value: T,
  options: { description: string; maxProperties?: number; default?: object },
) {
  return Type.Unsafe<Record<string, Static<T>>>({ type: "object", additionalProperties: value, ...options });
}

/** Any JSON object, kept as it is. */
export function anyObject(description: string) {
  return Type.Unsafe<Record<string, unknown>>({
    type: "object",
    description,
    "x-kubernetes-preserve-unknown-fields": true,
  });
}

/** A Kubernetes quantity: `500m`, `2`, `4Gi`. */
export function quantity(description: string) {
  return Type.Unsafe<string | number>({
    description,
    anyOf: [{ type: "integer" }, { type: "string" }],
    pattern: "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$",
    "x-kubernetes-int-or-string": true,
  });
}

/** One key of a Secret in the same namespace; never its value. */
export function secretKey(description: string) {
  return Type.Object(
    {
      name: nameOf("Secret"),
      key: text(253, "Key in the Secret.", { minLength: 1 }),
    },
    { description },
  );
}

/** A `metav1.LabelSelector`. */
export function labelSelector(description: string) {
  return Type.Object(
    {
      matchLabels: Type.Optional(
        mapOf(text(63, "Value the label must have."), { description: "Labels that must be equal.", maxProperties: 32 }),
      ),
      matchExpressions: Type.Optional(
        atomicList(
          Type.Object(
            {
              key: text(317, "Label key.", { minLength: 1 }),
              operator: oneOf(["In", "NotIn", "Exists", "DoesNotExist"], { description: "How the label is compared." }),
              values: Type.Optional(
                atomicList(text(63, "A value."), {
                  maxItems: 64,
                  description: "Values of In and NotIn; absent otherwise.",
                }),
              ),
            },
            { description: "One requirement." },
          ),
          { maxItems: 32, description: "Requirements that must all hold." },
        ),
      ),
    },
    { description },
  );
}

/** Who did something, as the request was authenticated; set by the server, never taken from a body (kinds.md §2.7). */
export function identity(description: string) {
  return Type.Object(
    {
      user: text(1024, "Kubernetes user name."),
      groups: Type.Optional(
        atomicList(text(1024, "A group."), { maxItems: 256, description: "Groups of the user at that time." }),
      ),
    },
    { description },
  );
}

/** A Kubernetes user or group, for bypass lists and owners. */
export function subject(description: string) {
  return Type.Object(
    {
      kind: oneOf(["User", "Group", "ServiceAccount"], { description: "What the name names." }),
      name: text(1024, "User name, group name, or ServiceAccount name.", { minLength: 1 }),
      namespace: Type.Optional(text(63, "Namespace of the ServiceAccount; the same namespace when absent.")),
    },
    { description },
  );
}

/** A list that server-side apply merges by `keys`; entries with equal keys are one entry. */
export function listMap<T extends TSchema>(
  item: T,
  keys: string[],
  options: { description: string; maxItems?: number; minItems?: number },
) {
  return Type.Array(item, { ...options, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys });
}

/** A list without duplicates whose members server-side apply merges one by one. */
export function setOf<T extends TSchema>(
  item: T,
  options: { description: string; maxItems?: number; minItems?: number; default?: unknown },
) {
  return Type.Array(item, { ...options, "x-kubernetes-list-type": "set" });
}

/** A list owned as a whole by whoever wrote it last. */
export function atomicList<T extends TSchema>(
  item: T,
  options: { description: string; maxItems?: number; minItems?: number; default?: unknown },
) {
  return Type.Array(item, { ...options, "x-kubernetes-list-type": "atomic" });
}

/** `spec.organizationRef`: required and immutable on every product kind. */
export const organizationRef = immutable(
  Type.String({
    minLength: 1,
    maxLength: 63,
    pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    description: "Organization this object belongs to; must be the one bound to its namespace.",
  }),
);

export const conditionsSchema = listMap(
  Type.Object(
    {
      type: Type.String({ maxLength: 316, description: "Name of the condition, unique in the list." }),
      status: oneOf(["True", "False", "Unknown"], { description: "Whether the condition holds." }),
      reason: Type.String({
        maxLength: 1024,
        description: "CamelCase word for programs; one of the documented reasons.",
      }),
      message: Type.String({ maxLength: 32768, description: "Explanation for people; never parsed." }),
      observedGeneration: Type.Optional(
        Type.Integer({ description: "metadata.generation this condition was computed from." }),
      ),
      lastTransitionTime: time("When status last changed."),
    },
    { description: "One condition." },
  ),
  ["type"],
  { maxItems: 32, description: "Current truth about this object, one entry per type." },
);

/** Fields every status has; spread into the kind's status object. */
export const commonStatus = {
  storage: Type.Optional(oneOf(["etcd", "postgres"], { description: "Where this object is stored." })),
  observedGeneration: Type.Optional(Type.Integer({ description: "metadata.generation last reconciled." })),
  conditions: Type.Optional(conditionsSchema),
};
