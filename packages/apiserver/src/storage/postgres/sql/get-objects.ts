import type { StoredRow } from "../../row.ts";
import type { ObjectKey } from "../../store.ts";
import { textArray } from "../array-parameter.ts";
import type { Queryable } from "../connection.ts";
import { type ObjectRow, rowOf } from "./object-row.ts";
import { inPlace } from "./rows-in-place.ts";

const text = `select u.ordinal::int as ordinal, l.revision, l.revision_offset, l.tags, l.bytes
from unnest($1::smallint[], $2::text[], $3::text[]) with ordinality as u (resource_id, namespace, name, ordinal)
join krate_objects o
  on o.resource_id = u.resource_id and o.namespace = u.namespace collate "C" and o.name = u.name collate "C"
join krate_rows l on l.revision = o.revision and ${inPlace("l")}`;

/** The current states of some objects, in the order asked for; `undefined` for those that do not exist. */
export async function getObjects(
  client: Queryable,
  wanted: readonly { resourceId: number; key: ObjectKey }[],
): Promise<(StoredRow | undefined)[]> {
  const { rows } = await client.query<ObjectRow & { ordinal: number }>({
    name: "storage-get-objects",
    text,
    values: [
      wanted.map(({ resourceId }) => resourceId),
      textArray(wanted.map(({ key }) => key.namespace)),
      textArray(wanted.map(({ key }) => key.name)),
    ],
  });
  const found: (StoredRow | undefined)[] = new Array(wanted.length);
  for (const row of rows) {
    const { key } = wanted[row.ordinal - 1] as { key: ObjectKey };
    found[row.ordinal - 1] = rowOf(key, row);
  }
  return found;
}
