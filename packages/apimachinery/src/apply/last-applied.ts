/**
 * The move from client-side to server-side apply: what `kubectl apply` recorded in its annotation is no conflict for `kubectl apply --server-side`.
 * Source: lastappliedmanager.go and lastappliedupdater.go in k8s.io/apimachinery/pkg/util/managedfields/internal.
 */
import type { JsonObject } from "../json.ts";
import { canonicalJson, dig, isObject } from "../json.ts";
import type { Schema } from "../schema/types.ts";
import { compareObjects } from "./compare.ts";
import type { Conflict } from "./conflict.ts";
import type { FieldSet } from "./field-set.ts";
import { difference } from "./field-set.ts";
import { toFieldSet } from "./to-field-set.ts";

export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** The conflicts that remain when fields still as the annotation recorded them may be taken over. */
export function allowedByLastApplied(
  conflicts: Conflict[],
  live: JsonObject,
  { schema, apiVersion }: { schema: Schema | undefined; apiVersion: string },
): Conflict[] {
  const recorded = lastApplied(live);
  if (recorded === undefined || recorded.apiVersion !== apiVersion) return conflicts;
  const { added, modified, removed } = compareObjects(recorded, live, schema);
  const allowed = difference(difference(difference(toFieldSet(recorded, schema), modified), added), removed);
  return conflicts.filter(({ path }) => !has(allowed, path));
}

function lastApplied(live: JsonObject): JsonObject | undefined {
  const text = dig(live, "metadata", "annotations", lastAppliedAnnotation);
  if (typeof text !== "string" || text === "") return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // an annotation that anybody may write; kube-apiserver ignores a broken one too
  }
}

function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) node = node?.children.get(element);
  return node?.member === true;
}

/** An object that has the annotation keeps it in step with what kubectl now applies on the server. */
export function withLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  const annotations = dig(object, "metadata", "annotations");
  if (!isObject(annotations) || !annotations[lastAppliedAnnotation]) return object;
  const text = `${canonicalJson(withoutAnnotation(configuration))}\n`;
  const metadata = object.metadata as JsonObject;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [lastAppliedAnnotation]: text } } };
}

function withoutAnnotation(configuration: JsonObject): JsonObject {
  const metadata = configuration.metadata;
  if (!isObject(metadata) || !isObject(metadata.annotations)) return configuration;
  const { [lastAppliedAnnotation]: _annotation, ...annotations } = metadata.annotations;
  return { ...configuration, metadata: { ...metadata, annotations } };
}
