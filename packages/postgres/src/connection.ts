import type { ClientConfig } from "pg";
import pg from "pg";

/** Where a database is. A URL (`postgres://user:password@host:5432/database?sslmode=verify-full`) or its parts. */
export type PostgresConnection =
  | string
  | {
      /** Host name, or the folder of a Unix socket. */
      host: string;
      port: number;
      user: string;
      database: string;
      password?: string;
    };

export interface SessionOptions {
  /** Shown in pg_stat_activity; says which program and what for. */
  applicationName: string;
  /** Server side limit of one statement; 0 is none. @defaultValue 30 s */
  statementTimeoutMilliseconds?: number;
  /** @defaultValue 5 s */
  connectTimeoutMilliseconds?: number;
  /** Server settings of the session (`{ enable_seqscan: "off" }`); names and values without spaces. */
  settings?: Readonly<Record<string, string>>;
}

export const defaultStatementTimeoutMilliseconds = 30_000;

const int8 = pg.types.builtins.INT8;

/** `bigint` columns arrive as `BigInt`: a revision does not fit a double for ever. */
const types: NonNullable<ClientConfig["types"]> = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === int8 && format !== "binary"
      ? BigInt
      : pg.types.getTypeParser(oid, format as "text")) as typeof pg.types.getTypeParser,
};

/** The settings every session of Krate has, as node-postgres takes them. */
export function clientConfig(connection: PostgresConnection, options: SessionOptions): ClientConfig {
  return {
    ...(typeof connection === "string" ? { connectionString: connection } : connection),
    application_name: options.applicationName,
    statement_timeout: options.statementTimeoutMilliseconds ?? defaultStatementTimeoutMilliseconds,
    connectionTimeoutMillis: options.connectTimeoutMilliseconds ?? 5_000,
    idle_in_transaction_session_timeout: 60_000,
    keepAlive: true,
    ...(options.settings && {
      options: Object.entries(options.settings)
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(" "),
    }),
    types,
  };
}
