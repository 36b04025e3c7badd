import { join } from "node:path";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "@krate/postgres/embedded";
import type { Logger } from "@krate/telemetry";
import { createMemoryStore } from "../storage/memory/memory-store.ts";
import type { Store } from "../storage/store.ts";

/**
 * Where objects are kept: `memory` (gone at the end), `embedded` (a Postgres of its own in the folder, started and stopped with the
 * server) or the URL of a database.
 */
export type Storage = "memory" | "embedded" | `postgres://${string}` | `postgresql://${string}`;

export interface OpenStorage {
  store: Store;
  /** Closes the store, and stops the database that was started for it. */
  close(): Promise<void>;
}

/** @throws Error for another word, or when the database cannot be reached */
export async function openStorage(storage: string, folder: string, log: Logger): Promise<OpenStorage> {
  if (storage === "memory") {
    const store = createMemoryStore();
    return { store, close: () => store.close() };
  }
  const { openPostgresStore } = await import("../storage/postgres/postgres-store.ts");
  if (/^postgres(ql)?:\/\//.test(storage)) {
    const store = await openPostgresStore({ connection: storage, log });
    return { store, close: () => store.close() };
  }
  if (storage !== "embedded") {
    throw new Error(`storage ${JSON.stringify(storage)}: must be "memory", "embedded" or a postgres:// URL`);
  }
  const database = await startEmbeddedPostgres({ dataDir: join(folder, "postgres"), log });
  const store = await openPostgresStore({ connection: database.connection, log }).catch(stopAfter(database));
  return {
    store,
    close: async () => {
      await store.close();
      await database.stop();
    },
  };
}

function stopAfter(database: EmbeddedPostgres): (error: unknown) => Promise<never> {
  return async (error) => {
    await database.stop();
    throw error;
  };
}
