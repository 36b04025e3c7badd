-- The log in partitions by revision, so that history is forgotten by dropping tables instead of deleting rows. What is still
-- needed of a partition that goes (states of objects that were not written since) moves to krate_kept first.

alter table krate_log rename to krate_log_0;
alter index krate_log_pkey rename to krate_log_0_pkey;

create table krate_log (
  like krate_log_0 including defaults including constraints including storage,
  primary key (revision)
) partition by range (revision);

create table krate_kept (
  like krate_log_0 including defaults including constraints including storage,
  primary key (revision)
) with (toast_tuple_target = 8160);

-- start to stop - 1 is in table krate_log_<start>; kept_at: when what is needed of it had been copied to krate_kept.
create table krate_log_partitions (
  start bigint primary key,
  stop bigint not null,
  kept_at timestamptz
);

-- partition_stop: the first revision that has no partition yet. partition_revisions: how many the next ones take.
alter table krate_log_head add column partition_stop bigint not null default 0, add column partition_revisions int not null default 25000;
-- Rows up to kept_revision are read from krate_kept, those behind it from krate_log; never from both.
alter table krate_compaction add column kept_revision bigint not null default 0, drop column swept_revision;

update krate_log_head set partition_stop = revision - revision % partition_revisions + partition_revisions;
insert into krate_log_partitions (start, stop) select 0, partition_stop from krate_log_head;
do $$
begin
  execute format('alter table krate_log attach partition krate_log_0 for values from (0) to (%s)',
    (select partition_stop from krate_log_head));
end
$$;

-- Rows by their revision, wherever they are. A reader adds: kept or revision > (select kept_revision from krate_compaction).
create view krate_rows as
select false as kept, l.* from krate_log l union all select true, k.* from krate_kept k;

-- Adds the next partition. Attaching alone would let readers go on, but one that had planned before and looked after would
-- not see the rows of the new partition. So it waits for the statements under way, and new ones wait for it. The head comes
-- first, as in krate_commit.
create function krate_add_partition() returns bigint language plpgsql as $$
declare
  head krate_log_head%rowtype;
  partition text;
begin
  select * into head from krate_log_head for update;
  lock table krate_log in access exclusive mode;
  partition := 'krate_log_' || head.partition_stop;
  execute format('create table %I (like krate_log including defaults including constraints including storage including indexes)
    with (toast_tuple_target = 8160)', partition);
  execute format('alter table krate_log attach partition %I for values from (%s) to (%s)',
    partition, head.partition_stop, head.partition_stop + head.partition_revisions);
  insert into krate_log_partitions (start, stop) values (head.partition_stop, head.partition_stop + head.partition_revisions);
  update krate_log_head set partition_stop = partition_stop + partition_revisions;
  return head.partition_stop + head.partition_revisions;
end
$$;

-- Keeps a partition ready, so that a commit seldom has to add one. Gives up at once when somebody reads for long.
create function krate_prepare_partition() returns boolean language plpgsql set lock_timeout = '100ms' as $$
begin
  if (select partition_stop - revision > partition_revisions from krate_log_head) then
    return false;
  end if;
  perform krate_add_partition();
  return true;
end
$$;

-- One step of forgetting, on the oldest partition:
--   waiting  it is still needed, or was copied less than p_grace ago
--   kept     it lies behind the line: what is needed was copied, readers take it from krate_kept from now on
--   dropped  it was copied so long ago that no statement can be reading it
--   busy     another replica is at work
-- The two steps are apart because COPY chooses its snapshot before its locks: one that waited for the lock of a drop would
-- find neither the partition nor, in its older snapshot, the copies.
create function krate_retire(p_grace interval) returns text language plpgsql
set enable_hashjoin = on set enable_seqscan = on set lock_timeout = '100ms'
as $$
declare
  oldest krate_log_partitions%rowtype;
  compacted bigint;
begin
  if not pg_try_advisory_xact_lock(hashtext('krate compaction')) then
    return 'busy';
  end if;
  select * into oldest from krate_log_partitions order by start limit 1;
  select compacted_revision into compacted from krate_compaction;
  if oldest.start is null or oldest.stop - 1 > compacted then
    return 'waiting';
  end if;
  if oldest.kept_at is null then
    -- What the partition's rows replaced is history now.
    execute format('delete from krate_kept k using %I l where k.revision = l.previous_revision', 'krate_log_' || oldest.start);
    execute format('insert into krate_kept select l.* from %1$I l where l.change <> 3
      and not exists (select from %1$I n where n.previous_revision = l.revision)', 'krate_log_' || oldest.start);
    update krate_compaction set kept_revision = oldest.stop - 1;
    update krate_log_partitions set kept_at = clock_timestamp() where start = oldest.start;
    return 'kept';
  end if;
  if oldest.kept_at > clock_timestamp() - p_grace then
    return 'waiting';
  end if;
  execute format('drop table %I', 'krate_log_' || oldest.start);
  delete from krate_log_partitions where start = oldest.start;
  return 'dropped';
end
$$;

-- As in 0001, and the log has a partition for what it writes.
create or replace function krate_commit(
  p_resource_id smallint[], p_namespace text[], p_name text[], p_change smallint[], p_expected bigint[],
  p_head text[], p_tail text[], p_tags text[]
) returns table (o_ordinal int, o_revision bigint, o_current bigint)
language plpgsql
-- The plan is cached from when the tables were empty; it must be the one for full tables.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  base bigint;
  stop bigint;
begin
  select h.revision, h.partition_stop into base, stop from krate_log_head h for update;
  while base + cardinality(p_resource_id) >= stop loop
    stop := krate_add_partition();
  end loop;
  return query
  with input as materialized (
    select u.*
    from unnest(p_resource_id, p_namespace, p_name, p_change, p_expected, p_head, p_tail, p_tags) with ordinality
      as u (resource_id, namespace, name, change, expected, head, tail, tags, ordinal)
  ), checked as materialized (
    select i.*, coalesce(o.revision, 0) as current_revision, string_to_array(i.tags, E'\x1f') as tag_array
    from input i left join krate_objects o
      on o.resource_id = i.resource_id and o.namespace = i.namespace collate "C" and o.name = i.name collate "C"
  ), numbered as materialized (
    select c.*, base + row_number() over (order by c.ordinal) as new_revision
    from checked c where c.current_revision = c.expected
  ), logged as (
    insert into krate_log (revision, resource_id, change, namespace, name, previous_revision, tags, revision_offset, bytes)
    select n.new_revision, n.resource_id, n.change, n.namespace, n.name, n.current_revision, n.tag_array,
      octet_length(n.head), n.head || n.new_revision || n.tail
    from numbered n
  ), put as (
    insert into krate_objects as o (resource_id, namespace, name, revision, tags)
    select n.resource_id, n.namespace, n.name, n.new_revision, n.tag_array from numbered n where n.change <> 3
    on conflict (resource_id, namespace, name) do update set revision = excluded.revision, tags = excluded.tags
  ), removed as (
    delete from krate_objects o using numbered n
    where n.change = 3 and o.resource_id = n.resource_id and o.namespace = n.namespace collate "C" and o.name = n.name collate "C"
  ), counted as (
    insert into krate_object_counts as k (resource_id, namespace, objects)
    select n.resource_id, n.namespace, sum(case n.change when 1 then 1 else -1 end)
    from numbered n where n.change <> 2 group by n.resource_id, n.namespace
    on conflict (resource_id, namespace) do update set objects = k.objects + excluded.objects
  ), moved as (
    update krate_log_head h set revision = base + (select count(*) from numbered)
  )
  select c.ordinal::int, n.new_revision, c.current_revision
  from checked c left join numbered n on n.ordinal = c.ordinal;
end
$$;
