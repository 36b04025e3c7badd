import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Client, PoolClient } from "pg";
import { type Log, silentLog } from "./log.ts";

/** One numbered file `0001_revision_log.sql`. */
export interface Migration {
  number: number;
  name: string;
  sql: string;
}

export interface MigrateOptions {
  /** Whose migrations these are; each component counts for itself in one shared table. */
  component: string;
  migrations: readonly Migration[];
  log?: Log;
}

export interface MigrateResult {
  /** Numbers applied by this call. */
  applied: number[];
  /** The schema's version now. */
  current: number;
}

/** A file that the database refused, or could not carry out in time. Nothing of it is applied; those before it are. */
export class MigrationError extends Error {
  /** The schema's version now: the number of the last file applied. */
  readonly current: number;

  constructor(message: string, current: number, options: ErrorOptions) {
    super(message, options);
    this.current = current;
  }
}

const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;

/** Reads the numbered SQL files of a folder. Throws on any other file, and on a gap or a doubled number. */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).sort();
  const migrations = await Promise.all(
    names.map(async (name): Promise<Migration> => {
      const match = fileName.exec(name);
      if (!match) throw new Error(`${fileURLToPath(folder)}${name}: must be named like 0001_what_it_does.sql`);
      return { number: Number(match[1]), name: match[2] ?? "", sql: await readFile(new URL(name, folder), "utf8") };
    }),
  );
  migrations.forEach((migration, index) => {
    if (migration.number !== index + 1) {
      throw new Error(`${fileURLToPath(folder)}: migration ${index + 1} is missing or there twice`);
    }
  });
  return migrations;
}

interface AppliedRow {
  number: number;
  name: string;
  sha256: string;
}

/**
 * Brings the schema up to date, each file in a transaction of its own, one process at a time (advisory lock). Doing it again
 * does nothing. What was applied, when, and how long it took stands in table `krate_migrations`.
 *
 * Throws when a file that was applied has changed and when the database is newer than this program; {@link MigrationError} when
 * a file fails: its text has file, line and the database's words.
 */
export async function migrate(client: Client | PoolClient, options: MigrateOptions): Promise<MigrateResult> {
  const lock = [`krate migrations`];
  await client.query("select pg_advisory_lock(hashtext($1))", lock);
  try {
    return await migrateLocked(client, options);
  } finally {
    await client.query("select pg_advisory_unlock(hashtext($1))", lock);
  }
}

async function migrateLocked(client: Client | PoolClient, options: MigrateOptions): Promise<MigrateResult> {
  const { component, migrations } = options;
  await client.query(`create table if not exists krate_migrations (
    component text not null, number int not null, name text not null, sha256 text not null,
    applied_at timestamptz not null default now(), duration_ms int not null, primary key (component, number))`);
  const { rows } = await client.query<AppliedRow>(
    "select number, name, sha256 from krate_migrations where component = $1 order by number",
    [component],
  );
  checkHistory(component, migrations, rows);
  const pending = migrations.slice(rows.length);
  for (const migration of pending) await apply(client, component, migration, options.log ?? silentLog);
  return { applied: pending.map((migration) => migration.number), current: migrations.length };
}

function checkHistory(component: string, migrations: readonly Migration[], applied: readonly AppliedRow[]): void {
  if (applied.length > migrations.length) {
    throw new Error(
      `the database schema of ${component} is at version ${applied.length}, this program knows ${migrations.length}: ` +
        "start the newer program, or restore a backup that fits this one",
    );
  }
  applied.forEach((row, index) => {
    const migration = migrations[index];
    if (migration && row.sha256 !== checksum(migration.sql)) {
      throw new Error(
        `migration ${title(migration)} of ${component} has changed since it was applied to this database: ` +
          "an applied file must stay as it is; put the change in a new one",
      );
    }
  });
}

const lockTimeoutMilliseconds = 5_000;

async function apply(client: Client | PoolClient, component: string, migration: Migration, log: Log): Promise<void> {
  const started = performance.now();
  try {
    await client.query("begin");
    await client.query("set local statement_timeout = 0");
    // A statement that waits for a lock keeps everybody behind it waiting; it had better be tried again.
    await client.query(`set local lock_timeout = ${lockTimeoutMilliseconds}`);
    await client.query(migration.sql);
    await client.query(
      "insert into krate_migrations (component, number, name, sha256, duration_ms) values ($1, $2, $3, $4, $5)",
      [component, migration.number, migration.name, checksum(migration.sql), elapsed(started)],
    );
    await client.query("commit");
  } catch (error) {
    await client
      .query("rollback")
      .catch((cause: unknown) => log.warn({ err: cause }, "could not roll a migration back"));
    throw new MigrationError(
      `migration ${title(migration)} of ${component} failed${where(migration, error)}: ${message(error)}`,
      migration.number - 1,
      { cause: error },
    );
  }
  log.info({ component, migration: title(migration), durationMilliseconds: elapsed(started) }, "migration applied");
}

function title({ number, name }: Migration): string {
  return `${String(number).padStart(4, "0")}_${name}.sql`;
}

function where(migration: Migration, error: unknown): string {
  const position = Number((error as { position?: string }).position);
  if (!Number.isInteger(position)) return "";
  return ` at line ${migration.sql.slice(0, position).split("\n").length}`;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function elapsed(started: number): number {
  return Math.round(performance.now() - started);
}

function checksum(sql: string): string {
  return createHash("sha256").update(sql).digest("hex");
}
