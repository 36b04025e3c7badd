/** core/v1 Event and events.k8s.io/v1 Event are one object in two forms; stored as core/v1. Source: pkg/apis/events/v1/conversion.go. */
import type { JsonObject } from "@krate/apimachinery";
import type { Conversion } from "../resources/resource.ts";

/** core field → events.k8s.io field; all others have the same name. */
const renamed: readonly (readonly [core: string, events: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];
const toEvents = new Map(renamed);
const toCore = new Map(renamed.map(([core, events]) => [events, core] as const));

function rename(object: JsonObject, names: ReadonlyMap<string, string>, apiVersion: string): JsonObject {
  const result: JsonObject = { apiVersion };
  for (const [key, value] of Object.entries(object)) if (key !== "apiVersion") result[names.get(key) ?? key] = value;
  return result;
}

export const eventsConversion: Conversion = {
  toServed: (object) => rename(object, toEvents, "events.k8s.io/v1"),
  toStored: (object) => rename(object, toCore, "v1"),
};
