import type { StoredRow } from "../../row.ts";
import type { ObjectKey } from "../../store.ts";
import type { Queryable } from "../connection.ts";
import { type ObjectRow, rowOf } from "./object-row.ts";

const text = `select l.revision, l.revision_offset, l.tags, l.bytes
from krate_objects o join krate_log l on l.revision = o.revision
where o.resource_id = $1 and o.namespace = $2 and o.name = $3`;

/** The current state of one object. */
export async function getObject(client: Queryable, resourceId: number, key: ObjectKey): Promise<StoredRow | undefined> {
  const { rows } = await client.query<ObjectRow>({
    name: "storage-get-object",
    text,
    values: [resourceId, key.namespace, key.name],
  });
  return rows[0] && rowOf(key, rows[0]);
}
