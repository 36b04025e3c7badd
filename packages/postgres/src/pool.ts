import type { Socket } from "node:net";
import pg from "pg";
import {
  clientConfig,
  defaultStatementTimeoutMilliseconds,
  type PostgresConnection,
  type SessionOptions,
} from "./connection.ts";
import { translatePostgresError } from "./errors.ts";
import { type Log, silentLog } from "./log.ts";

export interface PoolOptions extends SessionOptions {
  /** Sessions at most. @defaultValue 10 */
  maxConnections?: number;
  /**
   * A session that is used and has said nothing for so long is given up: a network that drops packets tells nobody. 0: never.
   * @defaultValue what a statement may take, and 2 s
   */
  silenceTimeoutMilliseconds?: number;
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
  pool.on("error", (error) => {
    Reflect.deleteProperty(error, "client"); // pg-pool puts the whole session there: no log wants that
    log.warn({ err: error }, "an idle database session ended");
  });
  // pg-pool 3.14 listens for errors of idle sessions only; one that breaks while it is taken would end the process.
  pool.on("connect", (client) => {
    client.on("error", (error) => log.debug({ err: error }, "a database session broke while it was used"));
  });
  const statementTimeout = options.statementTimeoutMilliseconds ?? defaultStatementTimeoutMilliseconds;
  giveUpSilent(pool, options.silenceTimeoutMilliseconds ?? (statementTimeout && statementTimeout + graceMilliseconds));
  return pool;
}

/** The server ends a statement itself and says so; this is how long that may take to arrive. */
const graceMilliseconds = 2_000;

/**
 * The time-out of the socket covers statements, COPY and whatever else is spoken on it, and counts from the last byte either
 * way. Where one session went silent the idle ones have as well, so that they go with it.
 */
function giveUpSilent(pool: Pool, milliseconds: number): void {
  if (milliseconds === 0) return;
  const idle = new Set<PoolClient>();
  const giveUp = function (this: Socket) {
    const error = Object.assign(new Error(`the database has said nothing for ${milliseconds} ms`), {
      code: "ETIMEDOUT",
    });
    for (const socket of [this, ...[...idle].map(socketOf)]) socket.destroy(error);
  };
  pool.on("acquire", (client) => {
    idle.delete(client);
    socketOf(client).setTimeout(milliseconds, giveUp);
  });
  pool.on("release", (error, client) => {
    socketOf(client).setTimeout(0, giveUp);
    if (!error) idle.add(client);
  });
  pool.on("remove", (client) => idle.delete(client));
}

/** pg 8 has it on `client.connection`, which its types leave out. */
function socketOf(client: PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
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
