import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createPool, type Migration, MigrationError, readMigrations } from "@krate/postgres";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "@krate/postgres/testing";
import { encodeObject } from "../encode-object.ts";
import { silentObserver } from "../observer.ts";
import type { Store } from "../store.ts";
import { openPostgresStore } from "./postgres-store.ts";
import { schemaDrift } from "./schema-drift.ts";

jest.setTimeout(30_000); // starts a real server

const key = { group: "", resource: "configmaps", namespace: "n", name: "a" };
const unavailable = expect.objectContaining({
  reason: "ServiceUnavailable",
  message: expect.stringContaining("_broken.sql of storage failed at line 2"),
});

describe("a migration that fails", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let real: Migration[];
  const stores: Store[] = [];
  beforeAll(async () => {
    postgres = await startTestPostgres();
    real = await readMigrations(new URL("./migrations/", import.meta.url));
  });
  afterAll(() => postgres.stop());
  beforeEach(async () => {
    database = await postgres.createDatabase();
  });
  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await database.drop();
  });

  async function open(migrations: readonly Migration[], versions: unknown[] = []): Promise<Store> {
    const observer = { ...silentObserver, schema: (schema: unknown) => versions.push(schema) };
    const store = await openPostgresStore({ connection: database.connection, migrations, observer });
    stores.push(store);
    return store;
  }
  const broken = (): Migration => ({
    number: real.length + 1,
    name: "broken",
    sql: "create table krate_half (id int);\ninsert into krate_nowhere values (1);",
  });

  test("leaves reads and watches, refuses writes with the reason, and shows in the metrics", async () => {
    const before = await open(real);
    const made = await before.create(key, encodeObject({ metadata: {} }));
    const versions: unknown[] = [];
    const store = await open([...real, broken()], versions);
    expect((await store.get(key))?.bytes).toEqual(made.bytes);
    expect((await store.list({ group: "", resource: "configmaps" })).items).toHaveLength(1);
    expect(versions).toEqual([{ version: real.length, wanted: real.length + 1 }]);
    await expect(store.ready()).rejects.toEqual(unavailable);
    await expect(store.create({ ...key, name: "b" }, encodeObject({ metadata: {} }))).rejects.toEqual(unavailable);
    await expect(store.delete(key)).rejects.toEqual(unavailable);
    await expect(store.nextNumber("x")).rejects.toEqual(unavailable);
    await expect(store.putBlob("x", Buffer.from("x"))).rejects.toEqual(unavailable);
    await before.create({ ...key, name: "c" }, encodeObject({ metadata: {} })); // the replica of the older version goes on
    expect((await store.get({ ...key, name: "c" }))?.revision).toBe(2n);
  });

  test("keeps a new database from being used at all", async () => {
    const [first] = real as [Migration];
    await expect(open([{ ...first, sql: "select nothing from nowhere" }])).rejects.toBeInstanceOf(MigrationError);
  });
});

test("no partition of the log is vacuumed for what is inserted into it: neither the first nor one that was added", async () => {
  const postgres = await startTestPostgres();
  const database = await postgres.createDatabase();
  const pool = createPool(database.connection, { applicationName: "schema.test" });
  try {
    await (await openPostgresStore({ connection: database.connection })).close();
    await pool.query("select krate_add_partition()");
    const { rows } = await pool.query(
      "select c.relname as name, c.reloptions as options from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'krate_log'::regclass",
    );
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const { options } of rows) expect(options).toContain("autovacuum_vacuum_insert_threshold=-1");
  } finally {
    await pool.end();
    await database.drop();
    await postgres.stop();
  }
});

test("differences of the schema from what the migrations make are found, whoever made them", async () => {
  const postgres = await startTestPostgres();
  const database = await postgres.createDatabase();
  const pool = createPool(database.connection, { applicationName: "schema.test" });
  try {
    const migrations = await readMigrations(new URL("./migrations/", import.meta.url));
    const drifts: number[] = [];
    const observer = { ...silentObserver, schemaDrift: (differences: number) => drifts.push(differences) };
    const store = await openPostgresStore({ connection: database.connection, reportDrift: true, observer });
    await store.close();
    expect(drifts).toEqual([0]);
    await pool.query(`create table somebody_elses (id int);
      drop index krate_objects_tags;
      alter table krate_counters add column note text;
      create or replace function krate_prepare_partition() returns boolean language sql as 'select true'`);
    const drift = (await schemaDrift(pool, migrations)).map((line) => line.replace(/, [0-9a-f]{32}$/, ""));
    expect(drift).toEqual([
      "missing: function krate_prepare_partition",
      "missing: index CREATE INDEX krate_objects_tags ON krate_objects USING gin (tags)",
      "unexpected: column krate_counters.note text",
      "unexpected: function krate_prepare_partition",
    ]);
  } finally {
    await pool.end();
    await database.drop();
    await postgres.stop();
  }
});
