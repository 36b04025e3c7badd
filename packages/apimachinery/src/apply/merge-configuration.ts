/**
 * Merging a configuration without anybody owning anything: `applyConfiguration` of a MutatingAdmissionPolicy.
 * Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go.
 */
import type { JsonObject, JsonValue } from "../json.ts";
import { isObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { memberSchema } from "../schema/types.ts";
import { typeErrors } from "./check-types.ts";
import { mergeApplied } from "./merge.ts";
import { shapeOf } from "./shape.ts";

/**
 * `object` with `configuration` merged into it; neither is changed. What merges as one piece may not be in the configuration: everything
 * else in that piece would be lost.
 *
 * @throws Error that says what does not fit where
 */
export function mergeConfiguration(
  object: JsonObject,
  configuration: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  const problems = [...typeErrors(configuration, schema), ...undeclared(configuration, schema, "")];
  if (problems.length > 0) throw new Error(`failed to convert patch object to typed object: ${problems.join(", ")}`);
  const atomics = atomicParts(configuration, schema, "");
  if (atomics.length > 0) {
    throw new Error(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomics.join(", ")}`);
  }
  return mergeApplied(object, configuration, schema);
}

const envelope = new Set(["apiVersion", "kind", "metadata"]);

/** Members that an object's schema does not know. */
function undeclared(value: JsonValue, schema: Schema | undefined, path: string): string[] {
  if (schema === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((item, index) => undeclared(item, schema.items, `${path}[${index}]`));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    if (path === "" && envelope.has(key)) return [];
    const inner = memberSchema(schema, key);
    if (inner !== undefined) return undeclared(member ?? null, inner, `${path}.${key}`);
    const open = schema.properties === undefined || schema["x-kubernetes-preserve-unknown-fields"] === true;
    return open || schema.additionalProperties !== undefined ? [] : [`${path}.${key}: field not declared in schema`];
  });
}

function atomicParts(value: JsonValue, schema: Schema | undefined, path: string): string[] {
  if (Array.isArray(value)) {
    const own = shapeOf(value, schema) === "atomic" ? [path] : [];
    return [...own, ...value.flatMap((item, index) => atomicParts(item, schema?.items, `${path}[${index}]`))];
  }
  if (!isObject(value)) return [];
  const own = shapeOf(value, schema) === "atomic" ? [path] : [];
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, member]) =>
      atomicParts(member ?? null, memberSchema(schema, key), `${path}.${key}`),
    ),
  ];
}
