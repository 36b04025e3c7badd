import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { clientConfig } from "./connection.ts";
import { type Migration, migrate } from "./migrations.ts";
import { startTestPostgres, type TestPostgres } from "./testing/index.ts";

const first: Migration = { number: 1, name: "first", sql: "create table a (id int primary key)" };
const second: Migration = { number: 2, name: "second", sql: "insert into a values (1);\ninsert into a values (2)" };
const broken: Migration = {
  number: 2,
  name: "broken",
  sql: "insert into a values (1);\ninsert into\n  nowhere values (2)",
};

describe("migrate", () => {
  let postgres: TestPostgres;
  beforeAll(async () => {
    postgres = await startTestPostgres();
  });
  afterAll(() => postgres.stop());

  async function inDatabase(
    work: (client: pg.Client, another: () => Promise<pg.Client>) => Promise<void>,
  ): Promise<void> {
    const database = await postgres.createDatabase();
    const clients: pg.Client[] = [];
    const connect = async () => {
      const client = new pg.Client(clientConfig(database.connection, { applicationName: "migrations.test" }));
      clients.push(client);
      await client.connect();
      return client;
    };
    try {
      await work(await connect(), connect);
    } finally {
      await Promise.all(clients.map((client) => client.end()));
      await database.drop();
    }
  }
  const run = (client: pg.Client, ...migrations: Migration[]) => migrate(client, { component: "test", migrations });

  test("applies what is missing, in order, once", () =>
    inDatabase(async (client) => {
      expect(await run(client, first)).toEqual({ applied: [1], current: 1 });
      expect(await run(client, first, second)).toEqual({ applied: [2], current: 2 });
      expect(await run(client, first, second)).toEqual({ applied: [], current: 2 });
      const { rows } = await client.query("select component, number, name from krate_migrations order by number");
      expect(rows).toEqual([
        { component: "test", number: 1, name: "first" },
        { component: "test", number: 2, name: "second" },
      ]);
    }));

  test("two processes at once apply each file once", () =>
    inDatabase(async (client, another) => {
      const results = await Promise.all([run(client, first, second), run(await another(), first, second)]);
      expect(results.map((result) => result.applied).sort()).toEqual([[], [1, 2]]);
    }));

  test("a failing file names itself and the line, and leaves nothing behind", () =>
    inDatabase(async (client) => {
      await expect(run(client, first, broken)).rejects.toThrow(
        'migration 0002_broken.sql of test failed at line 3: relation "nowhere" does not exist',
      );
      expect((await client.query("select id from a")).rows).toEqual([]);
      expect(await run(client, first, second)).toEqual({ applied: [2], current: 2 });
    }));

  test("refuses a file that changed after it was applied", () =>
    inDatabase(async (client) => {
      await run(client, first);
      await expect(run(client, { ...first, sql: "select 1" })).rejects.toThrow(/0001_first\.sql of test has changed/);
    }));

  test("refuses a database that is newer than the program", () =>
    inDatabase(async (client) => {
      await run(client, first, second);
      await expect(run(client, first)).rejects.toThrow("is at version 2, this program knows 1");
    }));
});
