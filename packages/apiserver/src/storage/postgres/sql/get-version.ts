import { expired } from "@krate/kinds";
import type { StoredRow } from "../../row.ts";
import type { ObjectKey } from "../../store.ts";
import type { Queryable } from "../connection.ts";
import { type ObjectRow, rowOf } from "./object-row.ts";
import { inPlace } from "./rows-in-place.ts";

const text = `select revision, revision_offset, tags, bytes from krate_rows r where revision = $1 and ${inPlace("r")}`;

/** The object as it was written at exactly this revision. Expired when compaction has taken it. */
export async function getVersion(client: Queryable, key: ObjectKey, revision: bigint): Promise<StoredRow> {
  const { rows } = await client.query<ObjectRow>({
    name: "storage-get-version",
    text,
    values: [revision.toString()],
  });
  if (!rows[0]) throw expired(`too old resource version: ${revision} is compacted; list again`);
  return rowOf(key, rows[0]);
}
