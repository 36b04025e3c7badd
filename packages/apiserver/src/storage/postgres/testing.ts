/** The conformance suite over a real server, for each version of it. */
import { createPool } from "@krate/postgres";
import type { startTestPostgres, TestDatabase, TestPostgres } from "@krate/postgres/testing";
import type { ConformanceSetup } from "../conformance.ts";
import type { Store } from "../store.ts";
import { openPostgresStore } from "./postgres-store.ts";

/** Emptying the tables takes a tenth of the time of copying a template. */
const empty = `truncate krate_resources, krate_log, krate_objects, krate_object_counts, krate_counters, krate_blobs,
    krate_blob_chunks restart identity;
  update krate_log_head set revision = 0;
  update krate_compaction set compacted_revision = 0, swept_revision = 0;`;

/** @param start the server; one for all tests, each of which finds its tables empty */
export function conformanceOver(start: () => ReturnType<typeof startTestPostgres>): ConformanceSetup {
  let postgres: TestPostgres;
  let database: TestDatabase;
  return {
    replicas: 2,
    async start() {
      postgres = await start();
      database = await postgres.createDatabase();
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
          const pool = createPool(database.connection, { applicationName: "conformance", maxConnections: 1 });
          await pool.query(empty);
          await pool.end();
        },
      };
    },
  };
}
