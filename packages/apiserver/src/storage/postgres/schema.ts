import { ApiError } from "@krate/kinds";
import {
  isConnectionLost,
  type Log,
  type Migration,
  MigrationError,
  migrate,
  type Pool,
  withClient,
} from "@krate/postgres";
import type { StorageObserver } from "../observer.ts";
import { schemaDrift } from "./schema-drift.ts";

/** The oldest version of the schema that today's statements can read. */
const readableFrom = 1;

export interface SchemaOptions {
  /** A pool for one use; migrations may take long. */
  connect: () => Pool;
  migrations: readonly Migration[];
  observer: StorageObserver;
  log: Log;
  /** After a migration failed. @defaultValue 30 s */
  retryMilliseconds?: number;
}

/** The database's schema, brought up to date or waiting for that. */
export interface Schema {
  /** @throws ServiceUnavailable while a migration that failed is still missing: reads go on, writes must not */
  requireWritable(): void;
  /** Looks for differences from what the migrations make, and tells log and metrics. Never fails. */
  reportDrift(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Migrates. When a migration fails and what is there can be read, the server starts all the same, for reads: it is not
 * ready, refuses writes and tries again from time to time.
 *
 * @throws Error when the database cannot be reached, is newer than this program, or cannot be read
 */
export async function openSchema(options: SchemaOptions): Promise<Schema> {
  const { migrations, observer, log, retryMilliseconds = 30_000 } = options;
  let failure: MigrationError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let trying: Promise<void> | undefined;
  let closed = false;

  async function attempt(): Promise<void> {
    const pool = options.connect();
    try {
      const { current } = await withClient(pool, (client) =>
        migrate(client, { component: "storage", migrations, log }),
      );
      if (failure) log.info({ version: current }, "the migration went through: writes are taken again");
      failure = undefined;
      observer.schema({ version: current, wanted: migrations.length });
    } catch (error) {
      if (!(error instanceof MigrationError) || isConnectionLost(error.cause)) throw error;
      failure = error;
      observer.schema({ version: error.current, wanted: migrations.length });
      log.error({ err: error, retryMilliseconds }, "a migration failed; only reads until it goes through");
      if (error.current < readableFrom) throw error;
    } finally {
      await pool.end();
    }
  }
  function again(): void {
    if (closed || !failure) return;
    timer = setTimeout(() => {
      trying = attempt()
        .catch((error: unknown) => log.warn({ err: error }, "could not migrate; trying again later"))
        .finally(again);
    }, retryMilliseconds).unref();
  }

  await attempt();
  again();
  return {
    requireWritable() {
      if (!failure) return;
      throw new ApiError("ServiceUnavailable", `the database is read only: ${failure.message}`, {
        cause: failure,
        details: { retryAfterSeconds: Math.ceil(retryMilliseconds / 1000) },
      });
    },
    async reportDrift() {
      const pool = options.connect();
      try {
        const drift = await schemaDrift(pool, migrations);
        observer.schemaDrift(drift.length);
        if (drift.length > 0) log.warn({ drift }, "the database's schema is not what the migrations make");
      } catch (error) {
        log.info({ err: error }, "could not compare the database's schema with what the migrations make");
      } finally {
        await pool.end();
      }
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await trying;
    },
  };
}
