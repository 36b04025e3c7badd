import { type Migration, type Pool, type PoolClient, withClient } from "@krate/postgres";

const scratchSchema = "krate_drift_check";

/**
 * How the database's schema differs from what the migrations make, a line each (`missing: index …`, `unexpected: column …`):
 * somebody changed it by hand, or a restore was not complete. What is right is found by running the migrations in a schema
 * of their own, in a transaction that is rolled back. Partitions come and go and are not compared.
 *
 * @throws Error when the session may not create a schema
 */
export async function schemaDrift(pool: Pool, migrations: readonly Migration[]): Promise<string[]> {
  return withClient(pool, async (client) => {
    const { rows } = await client.query<{ schema: string }>("select current_schema() as schema");
    const found = await describe(client, rows[0]?.schema ?? "public");
    const wanted = await describeMigrated(client, migrations);
    const tables = new Set(wanted.map((line) => line.about));
    const texts = (lines: readonly Line[]) => new Set(lines.map(({ text }) => text));
    const [inFound, inWanted] = [texts(found), texts(wanted)];
    return [
      ...wanted.filter(({ text }) => !inFound.has(text)).map(({ text }) => `missing: ${text}`),
      ...found
        .filter(({ text, about }) => tables.has(about) && !inWanted.has(text))
        .map(({ text }) => `unexpected: ${text}`),
    ].sort();
  });
}

interface Line {
  /** The table or function. */
  about: string;
  text: string;
}

async function describeMigrated(client: PoolClient, migrations: readonly Migration[]): Promise<Line[]> {
  await client.query("begin");
  try {
    await client.query(`create schema ${scratchSchema}`);
    await client.query(`set local search_path to ${scratchSchema}`);
    for (const { sql } of migrations) await client.query(sql);
    return await describe(client, scratchSchema);
  } finally {
    await client.query("rollback");
  }
}

const lines = `with tables as (
  select c.oid, c.relname::text as name, c.relkind from pg_class c
  where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
)
select name as about, case relkind when 'v' then 'view ' when 'p' then 'partitioned table ' else 'table ' end || name as text
from tables
union all
select t.name, 'column ' || t.name || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
  || case when a.attnotnull then ' not null' else '' end || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum
union all
select t.name, 'index ' || replace(pg_get_indexdef(i.indexrelid), $1 || '.', '')
from tables t join pg_index i on i.indrelid = t.oid
union all
select t.name, 'constraint on ' || t.name || ': ' || replace(pg_get_constraintdef(k.oid), $1 || '.', '')
from tables t join pg_constraint k on k.conrelid = t.oid where k.contype in ('c', 'f', 'p', 'u')
union all
select p.proname::text, 'function ' || p.proname || ', ' || md5(p.prosrc || coalesce(p.proconfig::text, ''))
from pg_proc p where p.pronamespace = $1::regnamespace`;

async function describe(client: PoolClient, schema: string): Promise<Line[]> {
  return (await client.query<Line>(lines, [schema])).rows;
}
