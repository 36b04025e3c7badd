/**
 * What each statement reads in a table of 100,000 objects, as Postgres itself says: a wrong plan is found here, not in production.
 * `KRATE_PLAN_OBJECTS=1000000` for a larger one (some minutes, 3 GB of disk).
 */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { silentLog } from "@krate/postgres";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "@krate/postgres/testing";
import type { QueryConfig, QueryResult, QueryResultRow } from "pg";
import { silentObserver } from "../observer.ts";
import type { Selector } from "../store.ts";
import { compileSelector } from "../tags.ts";
import type { Queryable } from "./connection.ts";
import { openSessions, type Sessions } from "./sessions.ts";
import { commitBatch } from "./sql/commit-batch.ts";
import { countObjects } from "./sql/count-objects.ts";
import { getObjects } from "./sql/get-objects.ts";
import { getVersion } from "./sql/get-version.ts";
import { type ListRange, listRowsSql, rowsOfRevisionsSql, selectRevisionsSql } from "./sql/list-rows.ts";
import { nextNumber } from "./sql/next-number.ts";
import { readHead } from "./sql/read-head.ts";
import { readLog, readLogOf } from "./sql/read-log.ts";
import { unchangedObjects } from "./sql/unchanged-objects.ts";

const objects = Number(process.env["KRATE_PLAN_OBJECTS"] ?? 100_000);
const changes = objects / 10;
/** Of what has to grow with the table. */
const scale = objects / 100_000;

jest.setTimeout(120_000 * Math.max(1, scale)); // writes all these rows

const key = (number: number) => ({
  group: "",
  resource: "pods",
  namespace: "big",
  name: `p${String(number).padStart(7, "0")}`,
});

/** Objects in order of their names; every hundredth has a rare label; every tenth was changed once. */
const fill = `
do $$
begin
  while (select partition_stop from krate_log_head) <= ${objects + changes} loop
    perform krate_add_partition();
  end loop;
end $$;
insert into krate_resources ("group", resource) values ('', 'pods'), ('', 'few');
insert into krate_log (revision, resource_id, change, namespace, name, previous_revision, tags, revision_offset, bytes)
select n, 1, 1, 'big', 'p' || lpad(n::text, 7, '0'), 0,
  array['1 app=web', '1 bucket=' || n % 100], 0, n || repeat('x', 400) from generate_series(1, ${objects}) n;
insert into krate_log (revision, resource_id, change, namespace, name, previous_revision, tags, revision_offset, bytes)
select ${objects} + n, 1, 2, 'big', 'p' || lpad((n * 10)::text, 7, '0'), n * 10,
  array['1 app=web', '1 bucket=' || n * 10 % 100], 0, n || repeat('y', 400) from generate_series(1, ${changes}) n;
insert into krate_objects (resource_id, namespace, name, revision, tags)
select distinct on (namespace, name) resource_id, namespace, name, revision, tags from krate_log order by namespace, name, revision desc;
insert into krate_object_counts values (1, 'big', ${objects});
update krate_log_head set revision = ${objects + changes};
`;
const head = BigInt(objects + changes);

interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: Node[];
}

/** Runs statements as they are and keeps how the last one was carried out. */
class Explaining implements Queryable {
  plan: Node | undefined;
  readonly #client: Queryable;

  constructor(client: Queryable) {
    this.#client = client;
  }

  async query<Row extends QueryResultRow>({ text, values }: QueryConfig): Promise<QueryResult<Row>> {
    const explain = `explain (analyze, buffers, format json) ${text}`;
    const { rows } = await this.#client.query<{ "QUERY PLAN": [{ Plan: Node }] }>({
      text: explain,
      ...(values && { values }),
    });
    this.plan = rows[0]?.["QUERY PLAN"][0].Plan;
    return this.#client.query<Row>({ text, ...(values && { values }) });
  }
}

function scannedWhole(node: Node): string[] {
  const here = node["Node Type"] === "Seq Scan" ? [node["Relation Name"] ?? "?"] : [];
  return [...here, ...(node.Plans ?? []).flatMap(scannedWhole)];
}

/** One row each, whatever the number of objects. */
const tiny = [
  "krate_kept",
  "krate_log_head",
  "krate_compaction",
  "krate_object_counts",
  "krate_counters",
  "krate_resources",
];

describe.each([
  { reason: "before the first statistics", analyze: false },
  { reason: "with statistics", analyze: true },
])(`statements among ${objects.toLocaleString("en")} objects, $reason`, ({ analyze }) => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let sessions: Sessions;

  beforeAll(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    sessions = await openSessions({
      connection: database.connection,
      maxReadConnections: 1,
      observer: silentObserver,
      log: silentLog,
    });
    await sessions.write.query(fill);
    if (analyze) await sessions.write.query("vacuum analyze");
  });
  afterAll(async () => {
    await sessions.end();
    await database.drop();
    await postgres.stop();
  });

  function expectFew(plan: Node | undefined, mostBlocks: number): void {
    if (!plan) throw new Error("nothing was explained");
    expect(scannedWhole(plan).filter((table) => !tiny.includes(table))).toEqual([]);
    expect((plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0)).toBeLessThan(mostBlocks);
  }

  const range = (more: Partial<ListRange> = {}): ListRange => ({
    resourceId: 1,
    namespace: "big",
    conditions: [],
    revision: head,
    after: undefined,
    limit: 501,
    ...more,
  });
  const bucket = (value: string): Selector => ({ labels: [{ key: "bucket", operator: "In", values: [value] }] });
  const inner = (copy: string) => copy.slice(copy.indexOf("(") + 1, copy.lastIndexOf(") to stdout"));

  test.each([
    { reason: "the first page", more: {}, mostBlocks: 4_000 },
    {
      reason: "a page in the middle",
      more: { after: { namespace: "big", name: key(objects / 2).name } },
      mostBlocks: 4_000,
    },
    { reason: "a page over all namespaces", more: { namespace: undefined }, mostBlocks: 4_000 },
    {
      reason: "the last page",
      more: { after: { namespace: "big", name: key(objects - 100).name } },
      mostBlocks: 2_000,
    },
    {
      reason: "a page of a past state, behind which 500 changes lie",
      more: { revision: head - 500n },
      mostBlocks: 8_000,
    },
  ])("list: $reason", async ({ more, mostBlocks }) => {
    const client = new Explaining(sessions.list);
    await client.query({ text: inner(listRowsSql(range(more))) });
    expectFew(client.plan, mostBlocks);
  });

  test("list by a label that one in a hundred has", async () => {
    const client = new Explaining(sessions.select);
    const conditions = compileSelector(1, bucket("42"));
    await client.query({ text: inner(listRowsSql(range({ conditions, limit: 101 }))) });
    expectFew(client.plan, analyze ? 6_000 : 12_000 * scale);
    await client.query({ text: selectRevisionsSql(range({ conditions, limit: Number.POSITIVE_INFINITY })) });
    expectFew(client.plan, 6_000 * scale);
  });

  test("rows by their revisions", async () => {
    const client = new Explaining(sessions.list);
    const revisions = Array.from({ length: 500 }, (_, index) => BigInt(index * 200 + 1));
    await client.query({ text: inner(rowsOfRevisionsSql(revisions)) });
    expectFew(client.plan, 3_000);
  });

  test("gets, versions, counts, the head and a number", async () => {
    const client = new Explaining(sessions.read);
    await getObjects(
      client,
      [1, objects / 2, objects - 1].map((number) => ({ resourceId: 1, key: key(number) })),
    );
    expectFew(client.plan, 40);
    await getVersion(client, key(10), 10n);
    expectFew(client.plan, 20);
    expect(await countObjects(client, 1, "big")).toBe(objects);
    expectFew(client.plan, 20);
    await readHead(client);
    expectFew(client.plan, 20);
    await nextNumber(client, "pullrequests/big/x", 1);
    expectFew(client.plan, 40);
  });

  test("the log after a revision, whole and of one resource", async () => {
    const client = new Explaining(sessions.read);
    const names = async () => ({ group: "", resource: "pods" });
    expect(await readLog(client, names, { after: head - 400n, limit: 500 })).toHaveLength(400);
    expectFew(client.plan, 4_000);
    const some = { after: head - 5_000n, upTo: head, resourceId: 1, namespace: "big", limit: 500 };
    expect(await readLogOf(client, names, some)).toHaveLength(500);
    expectFew(client.plan, 4_000);
  });

  test("objects for retention: through the keys, once, without a row of the log", async () => {
    const client = new Explaining(sessions.read);
    const pods = { id: 1, group: "", resource: "pods" };
    const old = { namespace: undefined, revision: 500n, limit: 100 };
    expect(await unchangedObjects(client, pods, old)).toHaveLength(100);
    expectFew(client.plan, 1_000);
    expect(await unchangedObjects(client, pods, { ...old, revision: 0n })).toEqual([]);
    expectFew(client.plan, 110_000 * scale);
    expect(JSON.stringify(client.plan)).not.toContain("krate_log");
  });

  test("a batch of 64 creates, updates and deletions", async () => {
    const client = await sessions.write.connect();
    try {
      const current = await getObjects(
        client,
        Array.from({ length: 48 }, (_, index) => ({ resourceId: 1, key: key(index * 2_000 + 1) })),
      );
      const changed = current.map((row, index) => ({
        resourceId: 1,
        write: {
          key: key(index * 2_000 + 1),
          change: index < 24 ? ("updated" as const) : ("deleted" as const),
          previous: row,
          bytes: { head: "", tail: "new" },
          tags: ["1 app=new"],
        },
      }));
      const made = Array.from({ length: 16 }, (_, index) => ({
        resourceId: 1,
        write: {
          key: key(2 * objects + index),
          change: "created" as const,
          previous: undefined,
          bytes: { head: "", tail: "new" },
          tags: [],
        },
      }));
      await client.query("begin"); // what it did stands in the statistics of the transaction
      const answers = await commitBatch(client, [...changed, ...made]);
      expect(answers.every(({ revision }) => revision !== null)).toBe(true);
      const { rows } = await client.query<{ scans: bigint }>(
        "select coalesce(sum(seq_scan), 0)::bigint as scans from pg_stat_xact_user_tables where relname in ('krate_log', 'krate_objects')",
      );
      expect(rows[0]?.scans).toBe(0n);
      await client.query("rollback");
    } finally {
      client.release();
    }
  });
});
