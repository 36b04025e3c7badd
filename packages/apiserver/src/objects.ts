/** Reading the envelope of decoded objects. */
import { isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { OwnerReference } from "@krate/kinds";
import type { StoredObject } from "./storage/store.ts";

/** `metadata`, made when it is missing. */
export function metadataOf(object: JsonObject): JsonObject {
  if (!isObject(object["metadata"])) object["metadata"] = {};
  return object["metadata"] as JsonObject;
}

const emptyable = ["labels", "annotations", "finalizers", "ownerReferences"];

/** Drops nulls and empty collections from `metadata`: a Go client cannot tell them from nothing, and neither can kube-apiserver. */
export function tidyMetadata(object: JsonObject): void {
  const metadata = metadataOf(object);
  for (const key of Object.keys(metadata)) {
    const value = metadata[key];
    const isEmpty =
      emptyable.includes(key) && typeof value === "object" && value !== null && Object.keys(value).length === 0;
    if (value === null || isEmpty) delete metadata[key];
  }
}

const textMembers = ["name", "generateName", "namespace", "uid", "resourceVersion"];

/** Why `metadata` has not the shape of ObjectMeta; undefined when it has, as far as anything here relies on it. */
export function metadataProblem({ metadata }: JsonObject): string | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (!isObject(metadata)) return "metadata must be an object";
  for (const key of textMembers) {
    if (!isTextOrNull(metadata[key])) return `metadata.${key} must be a string`;
  }
  for (const key of ["labels", "annotations"]) {
    const map = metadata[key] ?? {};
    if (!isObject(map) || !Object.values(map).every(isTextOrNull)) return `metadata.${key} must be a map of strings`;
  }
  const { finalizers, ownerReferences } = metadata;
  if (!isListOf(finalizers, isTextOrNull)) return "metadata.finalizers must be a list of strings";
  return isListOf(ownerReferences, isObject) ? undefined : "metadata.ownerReferences must be a list of objects";
}

function isTextOrNull(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || typeof value === "string";
}

function isListOf(value: JsonValue | undefined, fits: (item: JsonValue | undefined) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(fits));
}

export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

export function nameOf(object: JsonObject): string {
  return textOf(metadataOf(object)["name"]);
}

export function namespaceOf(object: JsonObject): string {
  return textOf(metadataOf(object)["namespace"]);
}

export function labelsOf(object: JsonObject): Record<string, string> {
  const { labels } = metadataOf(object);
  return isObject(labels) ? (labels as Record<string, string>) : {};
}

export function annotationsOf(object: JsonObject): Record<string, string> {
  const { annotations } = metadataOf(object);
  return isObject(annotations) ? (annotations as Record<string, string>) : {};
}

export function finalizersOf(object: JsonObject): string[] {
  const { finalizers } = metadataOf(object);
  return Array.isArray(finalizers) ? (finalizers as string[]) : [];
}

export function ownersOf(object: JsonObject): OwnerReference[] {
  const { ownerReferences } = metadataOf(object);
  return Array.isArray(ownerReferences) ? (ownerReferences as unknown as OwnerReference[]) : [];
}

export function isBeingDeleted(object: JsonObject): boolean {
  return metadataOf(object)["deletionTimestamp"] !== undefined;
}

/** `spec` or `status`, or an empty object. */
export function sectionOf(object: JsonObject | undefined, key: "spec" | "status"): JsonObject {
  const section = object?.[key];
  return isObject(section) ? section : {};
}

/** RFC 3339 with second precision, as all API times are. */
export function timestamp(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}

export function decodeStored(stored: StoredObject): JsonObject {
  return JSON.parse(stored.bytes.toString("utf8")) as JsonObject;
}
