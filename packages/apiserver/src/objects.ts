/** Reading the envelope of decoded objects. */
import { isObject, type JsonObject, type JsonValue } from "@krate/apimachinery";
import type { OwnerReference } from "@krate/kinds";
import type { StoredObject } from "./storage/store.ts";

/** `metadata`, made when it is missing. */
export function metadataOf(object: JsonObject): JsonObject {
  if (!isObject(object["metadata"])) object["metadata"] = {};
  return object["metadata"] as JsonObject;
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
