-- Partitions of the log are only inserted into, and go as a whole. Vacuum would write every page of them once more while the
-- server writes the next, for a visibility map that no plan here uses. Against transaction ids that wrap around it still comes.
create or replace function krate_add_partition() returns bigint language plpgsql as $$
declare
  head krate_log_head%rowtype;
  partition text;
begin
  select * into head from krate_log_head for update;
  lock table krate_log in access exclusive mode;
  partition := 'krate_log_' || head.partition_stop;
  execute format('create table %I (like krate_log including defaults including constraints including storage including indexes)
    with (toast_tuple_target = 8160, autovacuum_vacuum_insert_threshold = -1)', partition);
  execute format('alter table krate_log attach partition %I for values from (%s) to (%s)',
    partition, head.partition_stop, head.partition_stop + head.partition_revisions);
  insert into krate_log_partitions (start, stop) values (head.partition_stop, head.partition_stop + head.partition_revisions);
  update krate_log_head set partition_stop = partition_stop + partition_revisions;
  return head.partition_stop + head.partition_revisions;
end
$$;

do $$
declare
  start bigint;
begin
  for start in select p.start from krate_log_partitions p loop
    execute format('alter table %I set (autovacuum_vacuum_insert_threshold = -1)', 'krate_log_' || start);
  end loop;
end
$$;
