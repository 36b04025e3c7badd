import {
  createPool,
  type Log,
  type Migration,
  type Pool,
  type PostgresConnection,
  readMigrations,
} from "@krate/postgres";
import type { StorageObserver } from "../observer.ts";
import { type Queryable, translating } from "./connection.ts";
import { openSchema, type Schema } from "./schema.ts";

/**
 * Every statement here finds its rows through an index and few at a time. Without statistics (a young or fast growing table)
 * the planner would rather read and sort the whole table: a page of 500 out of 30,000 took 25 ms instead of 2.
 */
const byIndex = {
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  max_parallel_workers_per_gather: "0",
  jit: "off",
};
/** Without a selector the one good way is along the primary key, in order. */
const byKey = { ...byIndex, enable_bitmapscan: "off" };

/** Everybody waits for writes and for the head, so a dead session must be noticed soon; none of these statements takes a second. */
const quick = { statementTimeoutMilliseconds: 10_000 };

/**
 * A number is given before its object is written, and the log of the database is written in order: the commit that makes the
 * object durable makes the number durable. Waiting for the disk twice would halve the creates a second.
 */
const withoutWaiting = { ...byKey, synchronous_commit: "off" };

export interface SessionsOptions {
  connection: PostgresConnection;
  /** Sessions at most for gets, for lists and for lists with a selector, each. Writes use one. */
  maxReadConnections: number;
  /** @defaultValue the files beside this one */
  migrations?: readonly Migration[] | undefined;
  observer: StorageObserver;
  log: Log;
}

/** The database sessions of one replica, by purpose, so that none can starve another. */
export interface Sessions {
  write: Pool;
  list: Pool;
  select: Pool;
  read: Pool;
  /** For counters, with errors translated. */
  counter: Queryable;
  /** `read`, with errors translated. */
  reader: Queryable;
  /** `select`, with errors translated. */
  selector: Queryable;
  schema: Schema;
  end(): Promise<void>;
}

/** Opens the sessions and brings the schema up to date. */
export async function openSessions(options: SessionsOptions): Promise<Sessions> {
  const { connection, maxReadConnections, observer, log } = options;
  const pool = (purpose: string, maxConnections: number, settings: Record<string, string>, short = {}): Pool =>
    createPool(connection, { applicationName: `krate apiserver ${purpose}`, maxConnections, settings, log, ...short });
  const migrations = options.migrations ?? (await readMigrations(new URL("./migrations/", import.meta.url)));
  // A migration may take its time, and waits for the one of another replica.
  const connect = () => pool("migrate", 1, {}, { silenceTimeoutMilliseconds: 0 });
  const schema = await openSchema({ connect, migrations, observer, log });
  const write = pool("write", 1, byIndex, quick);
  const list = pool("list", maxReadConnections, byKey);
  const select = pool("select", maxReadConnections, byIndex);
  const read = pool("read", maxReadConnections, byKey, quick);
  const count = pool("count", 1, withoutWaiting, quick);
  return {
    write,
    list,
    select,
    read,
    counter: translating(count),
    reader: translating(read),
    selector: translating(select),
    schema,
    async end() {
      await schema.close();
      await Promise.all([write, list, select, read, count].map((each) => each.end()));
    },
  };
}
