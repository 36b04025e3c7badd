import type { StoredRow } from "../../row.ts";
import type { ObjectKey } from "../../store.ts";

/** The columns of a log row that make an object. */
export interface ObjectRow {
  revision: bigint;
  revision_offset: number;
  tags: string[];
  bytes: string;
}

export function rowOf(key: ObjectKey, row: ObjectRow): StoredRow {
  return {
    key: { group: key.group, resource: key.resource, namespace: key.namespace, name: key.name },
    revision: row.revision,
    bytes: Buffer.from(row.bytes),
    revisionOffset: row.revision_offset,
    tags: row.tags,
  };
}
