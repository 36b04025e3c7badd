import type { ObjectKey, StoredObject } from "./store.ts";
import type { Tags } from "./tags.ts";

/** A stored object with what selectors look at. Internal to storage; callers see the `StoredObject` in it. */
export interface StoredRow extends StoredObject {
  tags: Tags;
}

/** The JSON of a write before its revision is known. */
export type CutBytes = { head: string; tail: string } | { head: Buffer; tail: Buffer };

/** Takes the revision out of an object's bytes again, without parsing them. */
export function cutStored({ bytes, revision, revisionOffset }: StoredObject): CutBytes {
  return {
    head: bytes.subarray(0, revisionOffset),
    tail: bytes.subarray(revisionOffset + revision.toString().length),
  };
}

export function storedRow(key: ObjectKey, cut: CutBytes, revision: bigint, tags: Tags): StoredRow {
  const { bytes, revisionOffset } = splice(cut, revision.toString());
  return { key, revision, bytes, revisionOffset, tags };
}

function splice({ head, tail }: CutBytes, digits: string): { bytes: Buffer; revisionOffset: number } {
  if (typeof head === "string") {
    return { bytes: Buffer.from(`${head}${digits}${tail}`), revisionOffset: Buffer.byteLength(head) };
  }
  return { bytes: Buffer.concat([head, Buffer.from(digits), tail as Buffer]), revisionOffset: head.length };
}

/** The row to keep for long: one whose bytes do not hold many others in memory. */
export function detached(row: StoredRow): StoredRow {
  const { byteLength } = row.bytes.buffer; // small Buffers share a pool that goes soon
  const shares = byteLength > Buffer.poolSize && byteLength > 2 * row.bytes.length;
  return shares ? { ...row, bytes: Buffer.from(row.bytes) } : { ...row };
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
