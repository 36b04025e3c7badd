/** What a mutation of a MutatingAdmissionPolicy makes of an object. Source: k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch. */
import {
  applyJsonPatch,
  type CelValue,
  isObject,
  type JsonObject,
  ListValue,
  MapValue,
  mergeConfiguration,
  PatchTestFailed,
  type Schema,
  toJson,
  typeNameOf,
} from "@krate/apimachinery";
import type { CostBudget } from "../expression.ts";
import type { Mutation } from "./compile.ts";
import type { Evaluation } from "./evaluation.ts";

/** The mutation failed; `message` says why, in kube-apiserver's words where it has any. */
export class MutationFailed extends Error {}

export interface Mutated {
  /** In the version the policy sees. */
  object: JsonObject;
  schema: Schema | undefined;
}

/** @throws MutationFailed, OutOfBudget */
export async function mutate(
  { type, expression }: Mutation,
  { expressions, bindings }: Evaluation,
  { object, schema }: Mutated,
  budget: CostBudget,
): Promise<JsonObject> {
  const { value = null, problem } = await expressions.evaluate(expression, bindings, budget);
  if (problem !== undefined) throw new MutationFailed(problem);
  return type === "JSONPatch" ? patched(object, value) : merged(object, value, schema);
}

function merged(object: JsonObject, value: CelValue, schema: Schema | undefined): JsonObject {
  checkTypeNames(value, "Object");
  const configuration = toJson(value);
  if (!isObject(configuration)) throw new MutationFailed(`invalid return type: ${typeNameOf(value)}`);
  const { apiVersion = "", kind = "" } = object;
  try {
    return mergeConfiguration(object, { ...configuration, apiVersion, kind }, schema);
  } catch (cause) {
    throw new MutationFailed(`error applying patch: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function patched(object: JsonObject, value: CelValue): JsonObject {
  if (!(value instanceof ListValue)) {
    throw new MutationFailed("type mismatch: JSONPatchType.expression should evaluate to array");
  }
  for (const operation of value) {
    const inner = operation instanceof MapValue ? operation.get("value") : undefined;
    if (inner !== undefined) checkTypeNames(inner, nameOf(inner));
  }
  try {
    return applyJsonPatch(object, toJson(value));
  } catch (cause) {
    // A patch whose test fails is not meant for this object.
    if (cause instanceof PatchTestFailed) return object;
    throw new MutationFailed(`JSON Patch: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function nameOf(value: CelValue): string {
  return value instanceof MapValue ? typeNameOf(value) : "";
}

/** `Object.spec.parts{…}` may only stand where its name says. @throws MutationFailed */
function checkTypeNames(value: CelValue, path: string): void {
  if (value instanceof ListValue) {
    for (const item of value) checkTypeNames(item, path);
    return;
  }
  if (!(value instanceof MapValue)) return;
  const name = typeNameOf(value);
  const isNamed = name === "Object" || name.startsWith("Object.");
  if (isNamed && name !== path) {
    throw new MutationFailed(
      `type mismatch: unexpected type name "${name}", expected "${path}", which matches field name path from root Object type`,
    );
  }
  for (const key of value.keys()) {
    const member = value.get(key);
    if (member !== undefined) checkTypeNames(member, isNamed ? `${path}.${String(key)}` : path);
  }
}
