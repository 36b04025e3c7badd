import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { clientConfig } from "../connection.ts";
import { type EmbeddedPostgres, type PostgresBinaries, startEmbeddedPostgres } from "../embedded/index.ts";
import { isAlive } from "../embedded/postmaster-pid.ts";

export type TestConnection = EmbeddedPostgres["connection"];

export interface TestDatabase {
  connection: TestConnection;
  /** Deletes the database; throws when a session is still open, naming the one that leaked. */
  drop(): Promise<void>;
}

export interface TestPostgres {
  /** Makes the template once; every database of this file is then a copy of it. */
  template(prepare: (connection: TestConnection) => Promise<void>): Promise<void>;
  createDatabase(): Promise<TestDatabase>;
  /** Stops it and starts it again on the same data; `crash` kills it as a power cut would. */
  restart(how?: "clean" | "crash"): Promise<void>;
  /** Stops it until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
  stop(): Promise<void>;
}

const templateName = "krate_template";
/** A pool's `end()` returns before the server has noticed. */
const goodbyeMilliseconds = 2_000;

/**
 * A Postgres of its own for one test file, in a temporary folder, without fsync. Start it in `beforeAll`, `stop` it in
 * `afterAll`, and take a database for each test: copying the template takes some milliseconds.
 */
export async function startTestPostgres({ binaries }: { binaries?: PostgresBinaries } = {}): Promise<TestPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "krate-test-pg-"));
  await chmod(folder, 0o711); // root runs the server under another account
  const start = () =>
    startEmbeddedPostgres({
      dataDir: join(folder, "data"),
      settings: { fsync: "off", max_connections: "100", autovacuum_naptime: "1h" },
      ...(binaries && { binaries }),
    });
  let server = await start();
  let count = 0;

  const admin = async (sql: string): Promise<pg.QueryResult> => {
    const config = clientConfig({ ...server.connection, database: "postgres" }, { applicationName: "test admin" });
    const client = new pg.Client(config);
    await client.connect();
    try {
      return await client.query(sql);
    } finally {
      await client.end();
    }
  };
  const connectionOf = (database: string): TestConnection => ({ ...server.connection, database });

  return {
    async template(prepare) {
      await admin(`create database ${templateName}`);
      await prepare(connectionOf(templateName));
    },
    async createDatabase() {
      const name = `test_${++count}`;
      const hasTemplate = await admin(`select from pg_database where datname = '${templateName}'`);
      await admin(`create database ${name} ${hasTemplate.rowCount ? `template ${templateName}` : ""}`);
      return {
        connection: connectionOf(name),
        async drop() {
          const leaked = await sessionsOf(admin, name);
          await admin(`drop database ${name} with (force)`);
          if (leaked.length > 0) throw new Error(`database sessions were not closed: ${leaked.join("; ")}`);
        },
      };
    },
    async restart(how = "clean") {
      if (how === "crash") {
        process.kill(server.pid, "SIGQUIT");
        while (isAlive(server.pid)) await sleep(5);
      } else await server.stop();
      server = await start();
    },
    down: () => server.stop(),
    async up() {
      server = await start();
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function sessionsOf(admin: (sql: string) => Promise<pg.QueryResult>, database: string): Promise<string[]> {
  const deadline = performance.now() + goodbyeMilliseconds;
  for (;;) {
    const { rows } = await admin(
      `select application_name || ': ' || left(query, 80) as session from pg_stat_activity where datname = '${database}'`,
    );
    const sessions = rows.map((row: { session: string }) => row.session);
    if (sessions.length === 0 || performance.now() > deadline) return sessions;
    await sleep(20);
  }
}
