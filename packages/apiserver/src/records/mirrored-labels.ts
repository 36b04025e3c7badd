/**
 * Labels that repeat a field, so that it can be selected by (kinds.md §2.2). The server keeps them equal to the field; a client that sends
 * another value is refused, so a label can be trusted.
 */
import { dig, equalJson, isObject, type JsonObject } from "@krate/apimachinery";
import { type FieldError, type Kind, labels as names, toLabelValue } from "@krate/kinds";
import { labelsOf, metadataOf, sectionOf, textOf } from "../objects.ts";

/** Free labels of issues and pull requests, one label each (C-39). */
const freeLabelPrefix = "label.krate.a5c.ai/";

/** What the labels of an object must say; a label whose field is absent must be absent. */
export function expectedLabels(kind: Kind, object: JsonObject): Map<string, string | undefined> {
  const expected = new Map<string, string | undefined>();
  expected.set(names.org, textOf(sectionOf(object, "spec")["organizationRef"]) || undefined);
  for (const [label, path] of Object.entries(kind.mirroredLabels ?? {})) {
    const value = dig(object, ...path.split(".").filter((key) => key !== ""));
    const absent = value === undefined || value === null || isObject(value);
    // `kubectl get webhookdeliveries -l status=failed`: the seed's command, in lower case (kinds.md §8.2).
    const text = label === names.deliveryStatus ? String(value).toLowerCase() : String(value);
    expected.set(label, absent ? undefined : toLabelValue(text) || undefined);
  }
  return expected;
}

/** Errors for labels that the client sets to something else than the field, or than what they were. */
export function conflictingLabels(kind: Kind, object: JsonObject, old: JsonObject | undefined): FieldError[] {
  const given = labelsOf(object);
  const before = old === undefined ? {} : labelsOf(old);
  const errors: FieldError[] = [];
  for (const [label, value] of expectedLabels(kind, object)) {
    const sent = given[label];
    if (sent === undefined || sent === value || sent === before[label]) continue;
    const must = value === undefined ? "may not be set" : `must be ${JSON.stringify(value)}`;
    errors.push({
      reason: "FieldValueForbidden",
      field: `metadata.labels[${label}]`,
      message: `Forbidden: is kept by the server: ${must}`,
    });
  }
  return errors;
}

/** Sets, in place, every mirrored label. */
export function mirrorLabels(kind: Kind, object: JsonObject): void {
  const metadata = metadataOf(object);
  const next: Record<string, string> = {};
  for (const [key, value] of Object.entries(labelsOf(object))) if (!key.startsWith(freeLabelPrefix)) next[key] = value;
  for (const [label, value] of expectedLabels(kind, object)) {
    if (value === undefined) delete next[label];
    else next[label] = value;
  }
  const free = sectionOf(object, "spec")["labels"];
  for (const label of Array.isArray(free) ? free : []) {
    const name = toLabelValue(String(label));
    if (name !== "") next[`${freeLabelPrefix}${name}`] = "true";
  }
  if (Object.keys(next).length === 0) delete metadata["labels"];
  else if (!equalJson(next, metadata["labels"])) metadata["labels"] = next;
}
