/** The conformance suite over a real server, for each version of it. */
import { createPool } from "@krate/postgres";
import type { startTestPostgres, TestDatabase, TestPostgres } from "@krate/postgres/testing";
import type { ConformanceSetup } from "../conformance.ts";
import type { Store } from "../store.ts";
import { openPostgresStore } from "./postgres-store.ts";

/**
 * Emptying the tables takes a tenth of the time of copying a template. Partitions are small, so that what a test writes
 * and forgets goes through several.
 */
const empty = `truncate krate_resources, krate_log, krate_kept, krate_objects, krate_object_counts, krate_counters, krate_blobs,
    krate_blob_chunks restart identity;
  do $$
  declare partition bigint;
  begin
    for partition in delete from krate_log_partitions returning start loop
      execute format('drop table %I', 'krate_log_' || partition);
    end loop;
  end $$;
  update krate_log_head set revision = 0, partition_stop = 0, partition_revisions = 40;
  update krate_compaction set compacted_revision = 0, kept_revision = 0;`;

/** @param start the server; one for all tests, each of which finds its tables empty */
export function conformanceOver(start: () => ReturnType<typeof startTestPostgres>): ConformanceSetup {
  let postgres: TestPostgres;
  let database: TestDatabase;
  const run = async (sql: string) => {
    const pool = createPool(database.connection, { applicationName: "conformance", maxConnections: 1 });
    await pool.query(sql);
    await pool.end();
  };
  return {
    replicas: 2,
    async start() {
      postgres = await start();
      database = await postgres.createDatabase();
      await (await openPostgresStore({ connection: database.connection })).close();
      await run(empty);
    },
    async stop() {
      try {
        await database.drop(); // fails when a test leaked a session
      } finally {
        await postgres.stop();
      }
    },
    async makeHarness() {
      const stores: Store[] = [];
      return {
        database: postgres,
        async open(options = {}) {
          const store = await openPostgresStore({ ...options, connection: database.connection });
          stores.push(store);
          return store;
        },
        async close() {
          await Promise.all(stores.map((store) => store.close()));
          await run(empty);
        },
      };
    },
  };
}
