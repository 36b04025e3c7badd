export { clientConfig, type PostgresConnection, type SessionOptions } from "./connection.ts";
export { isConnectionLost, translatePostgresError } from "./errors.ts";
export { type Log, silentLog } from "./log.ts";
export {
  type MigrateOptions,
  type MigrateResult,
  type Migration,
  MigrationError,
  migrate,
  readMigrations,
} from "./migrations.ts";
export { Nudge, type NudgeOptions } from "./nudge.ts";
export {
  createPool,
  type Pool,
  type PoolClient,
  type PoolOptions,
  type TransactionOptions,
  withClient,
  withTransaction,
} from "./pool.ts";
