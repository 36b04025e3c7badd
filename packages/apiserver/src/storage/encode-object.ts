import { randomUUID } from "node:crypto";
import type { EncodedObject } from "./store.ts";

/** Stands for the revision while an object is being encoded. Random per process, so no object can contain it. */
const placeholder = `revision-${randomUUID()}`;

/** What `encodeObject` reads of an object; everything else is encoded as it is. */
export interface EncodableObject {
  metadata: { labels?: Record<string, string> | undefined; resourceVersion?: string | undefined };
}

/**
 * Encodes an object once, cut where its resourceVersion goes; a resourceVersion it already has is replaced. Key order is
 * kept, `resourceVersion` stands at the end of `metadata` when it was absent.
 *
 * @param fields values of the kind's selectable fields by path
 */
export function encodeObject(object: EncodableObject, fields: Readonly<Record<string, string>> = {}): EncodedObject {
  const json = JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: placeholder } });
  const at = json.indexOf(placeholder);
  return {
    head: json.slice(0, at),
    tail: json.slice(at + placeholder.length),
    labels: object.metadata.labels ?? {},
    fields,
  };
}
