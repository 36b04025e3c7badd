import type { Queryable } from "../connection.ts";

const text = "select h.revision, c.compacted_revision from krate_log_head h, krate_compaction c";

export interface Head {
  /** The newest committed revision. */
  revision: bigint;
  /** History up to here is forgotten. */
  compacted: bigint;
}

export async function readHead(client: Queryable): Promise<Head> {
  const { rows } = await client.query<{ revision: bigint; compacted_revision: bigint }>({
    name: "storage-read-head",
    text,
  });
  const row = rows[0];
  if (!row) throw new Error("krate_log_head is empty: the database was not migrated, or was damaged");
  return { revision: row.revision, compacted: row.compacted_revision };
}
