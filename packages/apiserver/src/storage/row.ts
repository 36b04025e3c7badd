import type { EncodedObject, ObjectKey, StoredObject } from "./store.ts";
import type { Tags } from "./tags.ts";

/** A stored object with what selectors look at. Internal to storage; callers see the `StoredObject` in it. */
export interface StoredRow extends StoredObject {
  tags: Tags;
}

/** The bytes of a write before its revision is known. */
export interface CutBytes {
  head: Buffer;
  tail: Buffer;
}

export function cutEncoded({ head, tail }: EncodedObject): CutBytes {
  return { head: Buffer.from(head), tail: Buffer.from(tail) };
}

/** Takes the revision out of an object's bytes again, without parsing them. */
export function cutStored({ bytes, revision, revisionOffset }: StoredObject): CutBytes {
  return {
    head: bytes.subarray(0, revisionOffset),
    tail: bytes.subarray(revisionOffset + revision.toString().length),
  };
}

export function storedRow(key: ObjectKey, { head, tail }: CutBytes, revision: bigint, tags: Tags): StoredRow {
  const digits = Buffer.from(revision.toString());
  return { key, revision, bytes: Buffer.concat([head, digits, tail]), revisionOffset: head.length, tags };
}

/** The same object under another revision: what a DELETED event carries. */
export function withRevision(row: StoredRow, revision: bigint): StoredRow {
  return storedRow(row.key, cutStored(row), revision, row.tags);
}

/** Order of lists: bytes of namespace, then of name. */
export function compareKeys(
  a: Pick<ObjectKey, "namespace" | "name">,
  b: Pick<ObjectKey, "namespace" | "name">,
): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
