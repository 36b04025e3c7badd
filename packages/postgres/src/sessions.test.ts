import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { isConnectionLost } from "./errors.ts";
import { silentLog } from "./log.ts";
import { Nudge } from "./nudge.ts";
import { createPool, type Pool, withClient, withTransaction } from "./pool.ts";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "./testing/index.ts";

jest.setTimeout(30_000); // restarts of a real server

describe("sessions", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  let pool: Pool;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    pool = createPool(database.connection, { applicationName: "sessions.test", maxConnections: 2 });
    await pool.query("create table notes (id bigint primary key)");
  });
  afterAll(async () => {
    await pool.end();
    await database.drop();
    await postgres.stop();
  });

  test("bigint columns are BigInts, and settings reach the server", async () => {
    const configured = createPool(database.connection, {
      applicationName: "configured",
      settings: { enable_seqscan: "off" },
    });
    const { rows } = await configured.query(
      "select 9007199254740993::bigint as big, current_setting('enable_seqscan') as scan",
    );
    expect(rows).toEqual([{ big: 9007199254740993n, scan: "off" }]);
    await configured.end();
  });

  test("a transaction is committed when its work is done, undone when it throws", async () => {
    await withTransaction(pool, (client) => client.query("insert into notes values (1)"));
    const broken = withTransaction(pool, async (client) => {
      await client.query("insert into notes values (2)");
      throw new Error("no");
    });
    await expect(broken).rejects.toThrow("no");
    expect((await pool.query("select id from notes")).rows).toEqual([{ id: 1n }]);
  });

  test("a session that breaks while it is used is replaced, and the process lives", async () => {
    const work = withClient(pool, async (client) => {
      const asleep = client.query("select pg_sleep(60)");
      await postgres.restart("crash");
      return asleep;
    });
    await expect(work).rejects.toThrow();
    expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("what the log is told of an idle session that ended is its error, not the session", async () => {
    const told = new Promise<object>((resolve) => {
      const log = { ...silentLog, warn: (fields: object) => resolve(fields) };
      const watched = createPool(database.connection, { applicationName: "watched", log });
      void watched.query("select pg_backend_pid() as pid").then(async ({ rows: [{ pid }] }) => {
        await pool.query("select pg_terminate_backend($1)", [pid]);
        await told;
        await watched.end();
      });
    });
    expect(Object.keys(((await told) as { err: object }).err)).not.toContain("client");
  });

  test("a session that says nothing while it is used is given up, an idle one is not", async () => {
    const impatient = createPool(database.connection, {
      applicationName: "impatient",
      maxConnections: 1,
      silenceTimeoutMilliseconds: 250,
    });
    const silent = await impatient.query("select pg_sleep(60)").catch((error: unknown) => error);
    expect({ silent, lost: isConnectionLost(silent) }).toMatchObject({ silent: { code: "ETIMEDOUT" }, lost: true });
    const pid = async () => (await impatient.query("select pg_backend_pid() as pid")).rows[0].pid as number;
    const first = await pid();
    await pool.query("select pg_sleep(0.5)");
    expect(await pid()).toBe(first);
    await impatient.end();
    await pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'impatient'");
  });

  test("a database with an open session cannot be dropped without a complaint that names it", async () => {
    const other = await postgres.createDatabase();
    const leaking = createPool(other.connection, { applicationName: "the leak" });
    await leaking.query("select 1");
    await expect(other.drop()).rejects.toThrow("the leak: select 1");
    await leaking.end();
  });

  describe("Nudge", () => {
    async function withNudges(
      count: number,
      work: (nudges: Nudge[], next: (of: number) => Promise<void>) => Promise<void>,
    ) {
      const waiting: (() => void)[] = [];
      const nudges = Array.from(
        { length: count },
        (_, index) =>
          new Nudge({
            connection: database.connection,
            channel: "news",
            applicationName: "nudge.test",
            onNudge: () => waiting[index]?.(),
          }),
      );
      const next = (of: number) => new Promise<void>((resolve) => (waiting[of] = resolve));
      try {
        await Promise.all(nudges.map((nudge) => nudge.start()));
        await work(nudges, next);
      } finally {
        await Promise.all(nudges.map((nudge) => nudge.close()));
      }
    }

    test("wakes the others, not itself", () =>
      withNudges(2, async ([one, two], next) => {
        let selfWoken = false;
        void next(0).then(() => (selfWoken = true));
        const woken = next(1);
        one?.send();
        await woken;
        expect(selfWoken).toBe(false);
        const back = next(0);
        two?.send();
        await back;
      }));

    test("listens again after a restart, and says that news may have been missed", () =>
      withNudges(1, async ([nudge], next) => {
        const again = next(0);
        await postgres.restart("crash");
        await again;
        expect(nudge?.listening).toBe(true);
      }));
  });
});
