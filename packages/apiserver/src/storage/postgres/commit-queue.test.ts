import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createPool } from "@krate/postgres";
import { startTestPostgres, type TestDatabase, type TestPostgres } from "@krate/postgres/testing";
import { encodeObject } from "../encode-object.ts";
import type { LogEvent } from "../log-event.ts";
import type { Write } from "../object-writes.ts";
import { silentObserver } from "../observer.ts";
import type { Store } from "../store.ts";
import { tagsOf } from "../tags.ts";
import { CommitQueue } from "./commit-queue.ts";
import { openPostgresStore } from "./postgres-store.ts";

jest.setTimeout(60_000); // starts and kills a real server

const key = (name: string) => ({ group: "", resource: "configmaps", namespace: "n", name });

function creation(name: string): Write {
  const object = encodeObject({ metadata: {} });
  return { key: key(name), change: "created", previous: undefined, bytes: object, tags: tagsOf(1, object) };
}

describe("CommitQueue", () => {
  let postgres: TestPostgres;
  let database: TestDatabase;
  beforeAll(async () => {
    postgres = await startTestPostgres();
    database = await postgres.createDatabase();
    await (await openPostgresStore({ connection: database.connection })).close();
  });
  afterAll(async () => {
    await database.drop();
    await postgres.stop();
  });

  async function withQueue(work: (queue: CommitQueue, batches: bigint[][]) => Promise<void>): Promise<void> {
    const pool = createPool(database.connection, { applicationName: "commit-queue.test", maxConnections: 1 });
    const batches: bigint[][] = [];
    const onCommitted = (events: readonly LogEvent[]) => batches.push(events.map((event) => event.revision));
    const queue = new CommitQueue({ pool, onCommitted, observer: silentObserver });
    try {
      await work(queue, batches);
    } finally {
      await queue.close();
      await pool.end();
    }
  }

  test("commits writes of one turn together, two writes of one object one after the other", () =>
    withQueue(async (queue, batches) => {
      const outcomes = await Promise.all(["a", "b", "a", "c"].map((name) => queue.commit(1, creation(name))));
      expect(outcomes.map((outcome) => outcome.done)).toEqual([true, true, false, true]);
      expect(batches).toEqual([[1n, 2n, 3n], []]);
    }));

  test("a write that the database refuses fails alone", () =>
    withQueue(async (queue) => {
      const writes = ["x", "NUL is \u0000", "y"].map((name) => queue.commit(1, creation(name)));
      const results = await Promise.allSettled(writes);
      expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(results[1]).toMatchObject({ reason: { reason: "BadRequest" } });
    }));

  test("refuses writes once it is closed", () =>
    withQueue(async (queue) => {
      await queue.close();
      await expect(queue.commit(1, creation("late"))).rejects.toMatchObject({ reason: "ServiceUnavailable" });
    }));

  test("what was answered before a crash is there after it, and nothing twice", async () => {
    const store: Store = await openPostgresStore({ connection: database.connection });
    const answered: string[] = [];
    const unsure: string[] = [];
    const startedAt = await store.currentRevision();
    let crashed = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let index = 0; !crashed; index++) {
        const name = `crash-${writer}-${index}`;
        await store.create(key(name), encodeObject({ metadata: {} })).then(
          () => answered.push(name),
          (error: { reason: string }) => {
            if (error.reason === "Timeout") unsure.push(name);
          },
        );
        if (answered.length > 200) crashed = true;
      }
    });
    while (answered.length < 100) await new Promise((resolve) => setImmediate(resolve));
    await postgres.restart("crash");
    await Promise.all(writers);
    const there = await store.list({ group: "", resource: "configmaps" });
    const found = there.items.map((item) => item.key.name).filter((name) => name.startsWith("crash-"));
    expect(found).toEqual(expect.arrayContaining(answered));
    expect(found.filter((name) => !answered.includes(name) && !unsure.includes(name))).toEqual([]);
    expect(there.revision - startedAt).toBe(BigInt(found.length));
    await store.close();
  });
});
