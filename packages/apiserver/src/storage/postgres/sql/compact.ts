import type { Queryable } from "../connection.ts";

/** Moves the line, never backwards and never past the head. */
const mark = `update krate_compaction set compacted_revision = least($1::bigint, h.revision)
from krate_log_head h where compacted_revision < least($1::bigint, h.revision)`;

/**
 * Deletes what the next $1 revisions behind the line replaced, and their deletions. The advisory lock lets one replica sweep
 * at a time; the other gets no row and leaves it to it.
 */
const sweep = `with chosen as materialized (
  select swept_revision as start, least(compacted_revision, swept_revision + $1) as stop
  from krate_compaction where pg_try_advisory_xact_lock(hashtext('krate compaction'))
), doomed as materialized (
  select l.previous_revision as revision from krate_log l, chosen
  where l.revision > chosen.start and l.revision <= chosen.stop and l.previous_revision > 0
  union all
  select l.revision from krate_log l, chosen
  where l.revision > chosen.start and l.revision <= chosen.stop and l.change = 3
), gone as (
  delete from krate_log l using doomed where l.revision = doomed.revision returning 1
), moved as (
  update krate_compaction set swept_revision = chosen.stop from chosen where chosen.stop > chosen.start
)
select stop > start as more, (select count(*) from gone) as deleted from chosen`;

/** The revision of the first row at or after $1 and when it was committed: one step of a binary search for an age. */
const probe = "select revision, committed_at from krate_log where revision >= $1 order by revision limit 1";

export async function markCompacted(client: Queryable, revision: bigint): Promise<void> {
  await client.query({ text: mark, values: [revision.toString()] });
}

/** `more` is false when nothing was left to do, or another replica is doing it. */
export async function sweepOnce(client: Queryable, revisions: number): Promise<{ more: boolean; deleted: number }> {
  const { rows } = await client.query<{ more: boolean; deleted: bigint }>({ text: sweep, values: [revisions] });
  return { more: rows[0]?.more ?? false, deleted: Number(rows[0]?.deleted ?? 0n) };
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
