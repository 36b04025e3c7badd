-- As in 0002, but partitions that were copied and wait for their drop do not hold up those behind them: a server that writes
-- much fills several within the time a drop waits.
create or replace function krate_retire(p_grace interval) returns text language plpgsql
set enable_hashjoin = on set enable_seqscan = on set lock_timeout = '100ms'
as $$
declare
  droppable bigint;
  oldest krate_log_partitions%rowtype;
begin
  if not pg_try_advisory_xact_lock(hashtext('krate compaction')) then
    return 'busy';
  end if;
  select p.start into droppable from krate_log_partitions p
  where p.kept_at <= clock_timestamp() - p_grace order by p.start limit 1;
  if droppable is not null then
    execute format('drop table %I', 'krate_log_' || droppable);
    delete from krate_log_partitions where start = droppable;
    return 'dropped';
  end if;
  select p.* into oldest from krate_log_partitions p where p.kept_at is null order by p.start limit 1;
  if oldest.start is null or oldest.stop - 1 > (select compacted_revision from krate_compaction) then
    return 'waiting';
  end if;
  -- What the partition's rows replaced is history now.
  execute format('delete from krate_kept k using %I l where k.revision = l.previous_revision', 'krate_log_' || oldest.start);
  execute format('insert into krate_kept select l.* from %1$I l where l.change <> 3
    and not exists (select from %1$I n where n.previous_revision = l.revision)', 'krate_log_' || oldest.start);
  update krate_compaction set kept_revision = oldest.stop - 1;
  update krate_log_partitions set kept_at = clock_timestamp() where start = oldest.start;
  return 'kept';
end
$$;
