/** A million objects: what a page and a write cost beside ten thousand, and whether memory stays flat. */
import pg from "pg";
import { residentBytes } from "../cpu.ts";
import type { Measurement, SuiteOptions } from "../suite.ts";
import { createsAtRate } from "./direct.ts";
import { aPage, lengthOf, type Measured, measure } from "./measuring.ts";
import { namespace } from "./objects.ts";
import type { KrateServer } from "./servers.ts";

const million = 1_000_000;
const mebibyte = 1024 * 1024;

/**
 * Copies the first object under other names of the same length (the place of the revision in its bytes stays), behind all
 * others in key order, as the log would have them.
 */
const multiply = `with seed as (
  select l.* from krate_log l join krate_objects o on o.revision = l.revision
  where o.namespace = $1 and o.name = 'seed-0'
), head as (
  update krate_log_head set revision = greatest(revision, 1000000) + $2::int returning revision - $2::int as start
), logged as (
  insert into krate_log (revision, resource_id, change, namespace, name, previous_revision, tags, revision_offset, bytes)
  select start + n, s.resource_id, 1, s.namespace, 'z' || lpad(to_hex(n), 5, '0'), 0, s.tags, s.revision_offset,
    replace(overlay(s.bytes placing (start + n)::text from s.revision_offset + 1 for length(s.revision::text)),
      '"seed-0"', '"z' || lpad(to_hex(n), 5, '0') || '"')
  from seed s, head, generate_series(1, $2::int) n
  returning revision, resource_id, namespace, name, tags
), put as (
  insert into krate_objects (resource_id, namespace, name, revision, tags)
  select resource_id, namespace, name, revision, tags from logged returning resource_id, namespace
)
update krate_object_counts k set objects = k.objects + $2::int
where (k.resource_id, k.namespace) = (select resource_id, namespace from put limit 1)`;

/** All of them in one partition of the log, as if it had been copied: rows that were not written since. */
const onePartition = `update krate_log_head set partition_revisions = 2500000;
select krate_add_partition();
update krate_log_head set partition_revisions = 25000`;

export async function measureLarge(
  { krate, objects }: { krate: KrateServer; objects: number },
  options: SuiteOptions,
): Promise<Measurement[]> {
  const { progress } = options;
  const pages = await pagesOf(krate, options);
  const count = options.quick ? 20_000 : million;
  progress(`writing ${count} objects into the database (a million takes some minutes)`);
  await krate.restart(() => load(krate, count));
  progress(`pages of 500 out of ${count} objects`);
  const first = await pagesOf(krate, options);
  const before = residentBytes(krate.pids()[0] ?? 0);
  const second = await pagesOf(krate, options);
  const after = residentBytes(krate.pids()[0] ?? 0);
  const seconds = Math.ceil(lengthOf(options).seconds) * 3;
  progress("creates at 200/s beside them");
  const writes = await createsAtRate(krate, "large", seconds);
  progress(`  a page takes ${first.p50Milliseconds.toFixed(1)} ms while the resource is read into memory`);
  progress(`  creates: p50 ${writes.p50Milliseconds.toFixed(1)} ms, p99 ${writes.p99Milliseconds.toFixed(1)} ms`);
  const outOf = `out of ${objects}`;
  const rows: Measurement[] = [
    {
      name: `page of 500 out of ${count}`,
      unit: "ms",
      krate: second.p50Milliseconds,
      anchor: pages.p50Milliseconds,
      anchorName: outOf,
      target: 0.77, // at most 1.3 times as long
      smallerIsBetter: true,
    },
  ];
  if (before === undefined || after === undefined) return rows;
  const memory = { krate: after / mebibyte, anchor: before / mebibyte, anchorName: "before these lists" };
  return [...rows, { name: "memory while listing", unit: "MiB", ...memory, target: 0.9, smallerIsBetter: true }];
}

function pagesOf(krate: KrateServer, options: SuiteOptions): Promise<Measured> {
  const { seconds } = lengthOf(options);
  return measure(krate, { seconds: seconds * 2, concurrency: 1, connections: 1, plan: () => aPage(krate) });
}

export async function load(krate: KrateServer, count: number): Promise<void> {
  const client = new pg.Client(krate.postgres.connection);
  await client.connect();
  try {
    await client.query(onePartition);
    await client.query(multiply, [namespace, count]);
    await client.query("vacuum analyze krate_log, krate_objects");
    await client.query("checkpoint");
  } finally {
    await client.end();
  }
}
