import pg from "pg";
import { clientConfig, type PostgresConnection, type SessionOptions } from "./connection.ts";
import { translatePostgresError } from "./errors.ts";
import { type Log, silentLog } from "./log.ts";

export interface PoolOptions extends SessionOptions {
  /** Sessions at most. @defaultValue 10 */
  maxConnections?: number;
  log?: Log;
}

export type Pool = pg.Pool;
export type PoolClient = pg.PoolClient;

/** A pool whose sessions may break (a server restart) without taking the process down. `end()` it. */
export function createPool(connection: PostgresConnection, options: PoolOptions): Pool {
  const log = options.log ?? silentLog;
  const pool = new pg.Pool({
    ...clientConfig(connection, options),
    max: options.maxConnections ?? 10,
    idleTimeoutMillis: 60_000,
  });
  pool.on("error", (error) => log.warn({ err: error }, "an idle database session ended"));
  // pg-pool 3.14 listens for errors of idle sessions only; one that breaks while it is taken would end the process.
  pool.on("connect", (client) => {
    client.on("error", (error) => log.debug({ err: error }, "a database session broke while it was used"));
  });
  return pool;
}

/**
 * Takes a session from the pool for as long as `work` runs. A session whose work threw is closed instead of given back when
 * it may be broken or inside a transaction.
 */
export async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await connect(pool);
  let failure: unknown;
  try {
    return await work(client);
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    client.release(failure !== undefined);
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw translatePostgresError(error);
  }
}

export interface TransactionOptions {
  /** @defaultValue read committed */
  isolation?: "read committed" | "repeatable read" | "serializable";
  readOnly?: boolean;
}

/** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
export function withTransaction<T>(
  pool: Pool,
  work: (client: PoolClient) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const isolation = options.isolation ?? "read committed";
  const mode = options.readOnly === true ? "read only" : "read write";
  return withClient(pool, async (client) => {
    await client.query(`begin isolation level ${isolation} ${mode}`);
    const result = await work(client);
    await client.query("commit");
    return result;
  });
}
