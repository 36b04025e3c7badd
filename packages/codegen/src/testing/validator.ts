import { Ajv } from "ajv";
import formats from "ajv-formats";
import type { StructuralSchema } from "../structural-schema.ts";

const extensions = [
  "x-kubernetes-validations",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-int-or-string",
];

/** What is wrong with an object, as `path: what is allowed`; empty when nothing is. Unknown fields are errors. */
export function validatorOf(schema: StructuralSchema): (object: unknown) => string[] {
  const ajv = new Ajv({ allErrors: true, ownProperties: true, allowUnionTypes: true, strictTypes: false });
  formats.default(ajv);
  ajv.addVocabulary(extensions);
  const validate = ajv.compile(closed(schema, true));
  return (object) =>
    validate(object)
      ? []
      : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message ?? ""}`);
}

/** Refuses what pruning would drop, so that a misspelt field of a sample is noticed. `metadata` is left open. */
function closed(schema: StructuralSchema, isRoot = false): object {
  const properties = Object.entries(schema.properties ?? {}).map(([name, child]) => [
    name,
    isRoot && name === "metadata" ? child : closed(child),
  ]);
  const close = schema.properties && !schema["x-kubernetes-preserve-unknown-fields"];
  return {
    ...schema,
    ...(schema.properties && { properties: Object.fromEntries(properties) }),
    ...(schema.items && { items: closed(schema.items) }),
    ...(schema.additionalProperties
      ? { additionalProperties: closed(schema.additionalProperties) }
      : close
        ? { additionalProperties: false }
        : {}),
  };
}
