import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createPool, type Pool, silentLog } from "@krate/postgres";
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

  async function retain(retention: Partial<Retention>): Promise<{ compacted: bigint; rows: string[] }> {
    const client = translating(pool);
    const compactor = new Compactor({
      client,
      readHead: () => readHead(client),
      retention: { maxAgeMilliseconds: hour, maxRevisions: 1_000, intervalMilliseconds: hour, ...retention },
      now: Date.now,
      log: silentLog,
    });
    await compactor.retain();
    const { rows } = await pool.query<{ revision: bigint }>("select revision from krate_log order by revision");
    return { compacted: (await readHead(client)).compacted, rows: rows.map((row) => String(row.revision)) };
  }

  test("forgets nothing that is young and little", async () => {
    const { compacted, rows } = await retain({});
    expect(compacted).toBe(0n);
    expect(rows).toHaveLength(12);
  });

  test("keeps a number of revisions, and the state before them", async () => {
    const { compacted, rows } = await retain({ maxRevisions: 4 });
    expect(compacted).toBe(8n);
    expect(rows).toEqual(["8", "9", "10", "11", "12"]);
  });

  test("forgets what is older than an age, found by the times of the commits", async () => {
    await pool.query("update krate_log set committed_at = committed_at - interval '2 hours' where revision <= 6");
    const { compacted, rows } = await retain({});
    expect(compacted).toBe(6n);
    expect(rows).toEqual(["6", "7", "8", "9", "10", "11", "12"]);
  });

  test("finds the age again where compaction has left gaps, and keeps current objects for ever", async () => {
    await retain({ maxRevisions: 5 });
    await pool.query("update krate_log set committed_at = committed_at - interval '2 hours'");
    const { compacted, rows } = await retain({});
    expect(compacted).toBe(12n);
    expect(rows).toEqual(["10"]);
    expect((await store.get(key("a")))?.revision).toBe(10n);
  });
});
