import type { Queryable } from "../connection.ts";

/** Moves the line, never backwards and never past the head. */
const mark = `update krate_compaction set compacted_revision = least($1::bigint, h.revision)
from krate_log_head h where compacted_revision < least($1::bigint, h.revision)`;

/** One step on the oldest partition of the log; the function says which. */
const retire = "select krate_retire($1::float8 * interval '1 millisecond') as step";

/** The revision of the first row at or after $1 and when it was committed: one step of a binary search for an age. */
const probe = `(select revision, committed_at from krate_kept where revision >= $1 order by revision limit 1)
union all
(select revision, committed_at from krate_log
 where revision >= greatest($1::bigint, (select kept_revision + 1 from krate_compaction)) order by revision limit 1)
order by revision limit 1`;

export async function markCompacted(client: Queryable, revision: bigint): Promise<void> {
  await client.query({ text: mark, values: [revision.toString()] });
}

export type RetireStep = "waiting" | "kept" | "dropped" | "busy";

/** Keeps a partition of the log ready. */
export async function preparePartition(client: Queryable): Promise<void> {
  await client.query({ text: "select krate_prepare_partition()" });
}

/** @param graceMilliseconds how long a partition stays after what is needed of it was copied: longer than any statement */
export async function retirePartition(client: Queryable, graceMilliseconds: number): Promise<RetireStep> {
  const { rows } = await client.query<{ step: RetireStep }>({ text: retire, values: [graceMilliseconds] });
  return rows[0]?.step ?? "waiting";
}

export async function probeLog(
  client: Queryable,
  from: bigint,
): Promise<{ revision: bigint; committedAt: Date } | undefined> {
  const { rows } = await client.query<{ revision: bigint; committed_at: Date }>({
    text: probe,
    values: [from.toString()],
  });
  return rows[0] && { revision: rows[0].revision, committedAt: rows[0].committed_at };
}
