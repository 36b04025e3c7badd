import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createPool, type Migration, migrate, type Pool, readMigrations, silentLog, withClient } from "@krate/postgres";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "@krate/postgres/testing";
import { encodeObject } from "../encode-object.ts";
import type { Store } from "../store.ts";
import { Compactor, type Retention } from "./compactor.ts";
import { translating } from "./connection.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { readHead } from "./sql/read-head.ts";

jest.setTimeout(30_000); // starts a real server

const hour = 3_600_000;
const key = (name: string) => ({ group: "", resource: "configmaps", namespace: "n", name });

describe("Compactor", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let store: Store;
  let pool: Pool;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    database = await postgres.createDatabase();
    store = await openPostgresStore({ connection: database.connection });
    pool = createPool(database.connection, { applicationName: "compactor.test" });
    await pool.query(
      "drop table krate_log_0; delete from krate_log_partitions; update krate_log_head set partition_stop = 0, partition_revisions = 4",
    );
    await store.create(key("a"), encodeObject({ metadata: {} }));
    for (let round = 0; round < 9; round++) {
      await store.update(key("a"), {}, () => ({ do: "replace", object: encodeObject({ metadata: {} }) }));
    }
    await store.create(key("b"), encodeObject({ metadata: {} }));
    await store.delete(key("b"));
  });
  afterEach(async () => {
    await store.close();
    await pool.end();
    await database.drop();
  });

  const revisionsOf = async (table: string) => {
    const { rows } = await pool.query<{ revision: bigint }>(`select revision from ${table} order by revision`);
    return rows.map((row) => String(row.revision));
  };

  async function retain(
    retention: Partial<Retention>,
    graceMilliseconds = 0,
  ): Promise<{ compacted: bigint; log: string[]; kept: string[] }> {
    const client = translating(pool);
    const compactor = new Compactor({
      client,
      readHead: () => readHead(client),
      retention: { maxAgeMilliseconds: hour, maxRevisions: 1_000, intervalMilliseconds: hour, ...retention },
      now: Date.now,
      graceMilliseconds,
      log: silentLog,
    });
    await compactor.retain();
    const { compacted } = await readHead(client);
    return { compacted, log: await revisionsOf("krate_log"), kept: await revisionsOf("krate_kept") };
  }

  test("forgets nothing that is young and little", async () => {
    const { compacted, log, kept } = await retain({});
    expect({ compacted, kept }).toEqual({ compacted: 0n, kept: [] });
    expect(log).toHaveLength(12);
  });

  test("keeps a number of revisions, and drops the partitions behind them but for what is needed", async () => {
    const { compacted, log, kept } = await retain({ maxRevisions: 4 });
    expect(compacted).toBe(8n);
    expect(log).toEqual(["8", "9", "10", "11", "12"]);
    expect(kept).toEqual(["7"]); // what 8 replaced goes with the partition of 8
  });

  test("forgets what is older than an age, found by the times of the commits", async () => {
    await pool.query("update krate_log set committed_at = committed_at - interval '2 hours' where revision <= 6");
    const { compacted, log, kept } = await retain({});
    expect(compacted).toBe(6n);
    expect(log).toEqual(["4", "5", "6", "7", "8", "9", "10", "11", "12"]);
    expect(kept).toEqual(["3"]);
  });

  test("finds the age again in what was kept, and keeps current objects for ever", async () => {
    await retain({ maxRevisions: 5 });
    await pool.query("update krate_log set committed_at = committed_at - interval '2 hours'");
    await pool.query("update krate_kept set committed_at = committed_at - interval '2 hours'");
    for (let round = 0; round < 4; round++) await store.create(key(`c${round}`), encodeObject({ metadata: {} }));
    await pool.query("update krate_log set committed_at = committed_at - interval '2 hours'");
    const { compacted, log, kept } = await retain({});
    expect(compacted).toBe(16n);
    expect(log).toEqual(["16"]);
    expect(kept).toEqual(["10", "13", "14", "15"]);
    expect((await store.get(key("a")))?.revision).toBe(10n);
  });

  test("a partition stays for a while after what is needed of it was copied; nobody sees a row twice", async () => {
    await store.create(key("z"), encodeObject({ metadata: {} }));
    const { log, kept } = await retain({ maxRevisions: 1 }, hour);
    expect(log).toHaveLength(13);
    expect(kept).toEqual(["10", "11"]); // of three partitions; 11 goes with the partition of its deletion
    const fresh = await openPostgresStore({ connection: database.connection });
    const { items } = await fresh.list({ group: "", resource: "configmaps" });
    expect(items.map((item) => `${item.key.name}@${item.revision}`)).toEqual(["a@10", "z@13"]);
    await fresh.close();
    expect((await retain({ maxRevisions: 1 })).log).toEqual(["12", "13"]);
  });

  test("a log that was written before there were partitions becomes the first of them", async () => {
    const old = await postgres.createDatabase();
    const [first, ...later] = await readMigrations(new URL("./migrations/", import.meta.url));
    const client = createPool(old.connection, { applicationName: "compactor.test" });
    await withClient(client, (session) => migrate(session, { component: "storage", migrations: [first as Migration] }));
    await client.query(`insert into krate_resources ("group", resource) values ('', 'configmaps');
      insert into krate_log (revision, resource_id, change, namespace, name, previous_revision, tags, revision_offset, bytes)
      select n, 1, 1, 'n', 'o' || n, 0, '{}', 33, '{"metadata":{"resourceVersion":"' || n || '"}}' from generate_series(26001, 26003) n;
      insert into krate_objects select 1, 'n', name, revision, '{}' from krate_log;
      update krate_log_head set revision = 26003`);
    const migrated = await openPostgresStore({ connection: old.connection });
    expect(later.length).toBeGreaterThan(0);
    await migrated.create(key("new"), encodeObject({ metadata: {} }));
    const { items } = await migrated.list({ group: "", resource: "configmaps" });
    expect(items.map((item) => item.revision)).toEqual([26004n, 26001n, 26002n, 26003n]);
    const { rows } = await client.query("select start::int, stop::int from krate_log_partitions");
    expect(rows).toEqual([{ start: 0, stop: 50_000 }]);
    await migrated.close();
    await client.end();
    await old.drop();
  });
});
