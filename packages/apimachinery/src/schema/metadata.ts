/**
 * Validation of `metadata`.
 * Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go.
 */
import type { FieldError } from "@krate/kinds";
import type { JsonObject } from "../json.ts";
import { equalJson, isObject } from "../json.ts";
import { child, forbiddenField, invalidValue, required, tooLong } from "./field-errors.ts";
import {
  checkDns1123Label,
  checkDns1123Subdomain,
  checkLabelValue,
  checkPathSegmentName,
  checkQualifiedName,
} from "./names.ts";

/** How names of a kind are formed. Most are DNS-1123 subdomains; namespaces are labels; RBAC objects take any path segment. */
export type NameRule = "subdomain" | "label" | "path-segment";

export interface ObjectMetaRules {
  namespaced: boolean;
  /** @defaultValue 'subdomain' */
  name?: NameRule;
}

/** kube-apiserver's limit on all keys and values together. */
const maxAnnotationsBytes = 256 * 1024;

const nameChecks: Record<NameRule, (name: string) => string[]> = {
  subdomain: checkDns1123Subdomain,
  label: checkDns1123Label,
  "path-segment": checkPathSegmentName,
};

/**
 * What is wrong with the metadata of an object about to be created, its name already generated. Members of a wrong type are left to the schema:
 * validate that first.
 */
export function validateObjectMeta(metadata: JsonObject, rules: ObjectMetaRules): FieldError[] {
  const errors: FieldError[] = [];
  const check = nameChecks[rules.name ?? "subdomain"];
  const { name, generateName } = metadata;
  if (typeof generateName === "string" && generateName !== "") {
    const prefix = rules.name === "path-segment" ? generateName : generateName.replace(/-$/, "a");
    for (const problem of check(prefix)) errors.push(invalidValue("metadata.generateName", generateName, problem));
  }
  if (typeof name !== "string" || name === "")
    errors.push(required("metadata.name", "name or generateName is required"));
  else for (const problem of check(name)) errors.push(invalidValue("metadata.name", name, problem));
  errors.push(...validateNamespace(metadata.namespace, rules.namespaced), ...validateCommon(metadata));
  return errors;
}

function validateNamespace(namespace: unknown, namespaced: boolean): FieldError[] {
  const given = typeof namespace === "string" && namespace !== "";
  if (!namespaced) return given ? [forbiddenField("metadata.namespace", "not allowed on this type")] : [];
  if (!given) return [required("metadata.namespace")];
  return checkDns1123Label(namespace).map((problem) => invalidValue("metadata.namespace", namespace, problem));
}

function validateCommon(metadata: JsonObject): FieldError[] {
  return [
    ...validateLabels(metadata.labels, "metadata.labels"),
    ...validateAnnotations(metadata.annotations),
    ...validateOwnerReferences(metadata.ownerReferences),
    ...validateFinalizers(metadata.finalizers),
  ];
}

/** Errors for illegal label keys and values; also for labels inside a template, at another path. */
export function validateLabels(labels: unknown, path: string): FieldError[] {
  if (!isObject(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...checkQualifiedName(key).map((problem) => invalidValue(path, key, problem)),
    ...(typeof value === "string" ? checkLabelValue(value).map((problem) => invalidValue(path, value, problem)) : []),
  ]);
}

function validateAnnotations(annotations: unknown): FieldError[] {
  if (!isObject(annotations)) return [];
  const path = "metadata.annotations";
  let bytes = 0;
  const errors = Object.entries(annotations).flatMap(([key, value]) => {
    bytes += Buffer.byteLength(key) + (typeof value === "string" ? Buffer.byteLength(value) : 0);
    return checkQualifiedName(key.toLowerCase()).map((problem) => invalidValue(path, key, problem));
  });
  if (bytes > maxAnnotationsBytes) errors.push(tooLong(path, maxAnnotationsBytes));
  return errors;
}

function validateOwnerReferences(references: unknown): FieldError[] {
  if (!Array.isArray(references)) return [];
  const path = "metadata.ownerReferences";
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const reference of references) {
    if (!isObject(reference)) continue;
    const [version = "", ...rest] = String(reference.apiVersion ?? "").split("/");
    if ((rest.length > 0 ? rest.at(-1) : version) === "") {
      errors.push(invalidValue(child(path, "apiVersion"), reference.apiVersion ?? "", "version must not be empty"));
    }
    for (const key of ["kind", "name", "uid"]) {
      if (typeof reference[key] !== "string" || reference[key] === "") {
        errors.push(invalidValue(child(path, key), reference[key] ?? "", "must not be empty"));
      }
    }
    if (reference.apiVersion === "v1" && reference.kind === "Event") {
      errors.push(invalidValue(path, reference, "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (reference.controller !== true) continue;
    const here = `${String(reference.kind)}/${String(reference.name)}`;
    if (controller !== undefined) {
      errors.push(
        invalidValue(
          path,
          references,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${here}`,
        ),
      );
    }
    controller ??= here;
  }
  return errors;
}

function validateFinalizers(finalizers: unknown): FieldError[] {
  if (!Array.isArray(finalizers)) return [];
  const path = "metadata.finalizers";
  const errors = finalizers.flatMap((finalizer) =>
    checkQualifiedName(String(finalizer)).map((problem) => invalidValue(path, finalizer, problem)),
  );
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.push(invalidValue(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set"));
  }
  return errors;
}

/** What may not differ between the stored and the new metadata; system fields must be carried over before this is asked. */
export function validateObjectMetaUpdate(next: JsonObject, old: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) errors.push(...refuseNewFinalizers(next.finalizers, old.finalizers));
  if (typeof next.resourceVersion !== "string" || next.resourceVersion === "") {
    errors.push(
      invalidValue("metadata.resourceVersion", next.resourceVersion ?? "", "must be specified for an update"),
    );
  }
  if (Number(next.generation ?? 0) < Number(old.generation ?? 0)) {
    errors.push(invalidValue("metadata.generation", next.generation ?? 0, "must not be decremented"));
  }
  const immutable = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ];
  for (const key of immutable) {
    if (!equalJson(next[key], old[key]))
      errors.push(invalidValue(`metadata.${key}`, next[key] ?? "", "field is immutable"));
  }
  return [...errors, ...validateCommon(next)];
}

function refuseNewFinalizers(next: unknown, old: unknown): FieldError[] {
  const before = new Set(Array.isArray(old) ? old : []);
  const added = (Array.isArray(next) ? next : []).filter((each) => !before.has(each)).sort();
  if (added.length === 0) return [];
  const list = added.map((each) => JSON.stringify(each)).join(", ");
  return [
    forbiddenField(
      "metadata.finalizers",
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    ),
  ];
}

/** Characters of generated names: no vowels and no look-alikes, as in kube-apiserver. */
const nameAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const generatedSuffixLength = 5;
/** So that with the suffix a name still fits a DNS label. */
const maxGenerateNameLength = 63 - generatedSuffixLength;

/**
 * A name for `generateName`: the prefix, cut so that the result fits a DNS label, and five random characters. Five give 14 million names: with
 * 500 objects of one prefix a collision has a chance of 1 %, so callers try again on AlreadyExists (kube-apiserver: 8 times).
 *
 * @param random numbers in [0, 1), injected
 */
export function generateName(prefix: string, random: () => number): string {
  let name = prefix.slice(0, maxGenerateNameLength);
  for (let i = 0; i < generatedSuffixLength; i++)
    name += nameAlphabet.charAt(Math.floor(random() * nameAlphabet.length));
  return name;
}

/** Errors when a field that must not change did. */
export function immutableField(next: unknown, old: unknown, path: string): FieldError[] {
  return equalJson(next, old) ? [] : [invalidValue(path, next ?? "", "field is immutable")];
}
