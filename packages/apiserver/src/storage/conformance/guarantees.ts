import { describe, expect, test } from "@jest/globals";
import { earlier } from "../revision.ts";
import type { Selector, Store, StoredObject, WatchEvent, WatchOptions } from "../store.ts";
import {
  at,
  encode,
  group,
  parsed,
  readSome,
  readWatch,
  reason,
  replaceBy,
  resource,
  shown,
  untilReady,
  type World,
} from "./fixtures.ts";

/**
 * The guarantees of etcd's watch API, on which Kubernetes builds: ordered, unique, reliable, atomic, resumable, bookmarkable.
 * Source: https://etcd.io/docs/v3.6/learning/api_guarantees/#watch-apis
 */
export function guaranteeTests(world: World, { replicas }: { replicas: 1 | 2 }): void {
  const stores = async (): Promise<Store[]> =>
    replicas === 2 ? [world.store, await world.harness.open({ windowMaxEvents: 20 })] : [world.store];

  const disturbances = [
    { disturb: async () => {}, needsDatabase: false, reason: "many write at once" },
    {
      disturb: (told: bigint) => world.store.compact(told),
      needsDatabase: false,
      reason: "history is compacted up to where they are",
    },
    {
      disturb: async () => world.harness.database?.restart("crash"),
      needsDatabase: true,
      reason: "the database crashes",
    },
    {
      disturb: async () => world.harness.database?.restart("clean"),
      needsDatabase: true,
      reason: "the database restarts",
    },
  ].filter(({ needsDatabase }) => !needsDatabase || replicas === 2);

  describe("a watch is", () => {
    test.each(disturbances)("ordered, unique and reliable while $reason", async ({ disturb }) => {
      const replicasOpen = await stores();
      const start = (await world.create("first")).revision;
      const told = replicasOpen.map(() => start);
      const watching = replicasOpen.map((store, index) =>
        readUntilLast(store, { fromRevision: start }, (revision) => {
          told[index] = revision;
        }),
      );
      const { answered, halfway, done } = crowd(replicasOpen);
      await halfway;
      await disturb(told.reduce((one, other) => earlier(one, other)));
      await done;
      await Promise.all(replicasOpen.map(untilReady));
      await world.create("last");
      for (const events of await Promise.all(watching)) {
        const revisions = events.map(({ revision }) => revision);
        expect(revisions).toEqual(revisions.map((_, index) => start + BigInt(index + 1)));
        const seen = new Set(events.map(shown));
        expect(answered.filter((write) => !seen.has(write))).toEqual([]);
      }
    });

    test("atomic: what it tells can be read at once on every replica, and what failed is never told", async () => {
      const replicasOpen = await stores();
      const start = (await world.create("first")).revision;
      const { done } = crowd(replicasOpen);
      const early: string[] = [];
      let turn = 0;
      const reading = (async () => {
        for await (const event of world.store.watch({ group, resource, fromRevision: start })) {
          if (event.type === "BOOKMARK") continue;
          const store = replicasOpen[turn++ % replicasOpen.length] as Store;
          const now = await store.get(event.object.key);
          const newest = now?.revision ?? (await store.currentRevision());
          if (newest < event.revision) early.push(shown(event));
          if (event.object.key.name === "last") return;
        }
      })();
      await done;
      const refused = await Promise.allSettled([world.create("first"), world.store.delete(at("nobody"))]);
      expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
      const before = await world.store.currentRevision();
      expect((await world.create("last")).revision).toBe(before + 1n);
      await reading;
      expect(early).toEqual([]);
    });

    test("resumable after any event, on any replica, with and without a selector", async () => {
      const replicasOpen = await stores();
      const start = (await world.create("first")).revision;
      await crowd(replicasOpen).done;
      await world.create("last", { labels: { app: "web" } });
      for (const selector of [undefined, web]) {
        const whole = (await readUntilLast(world.store, { fromRevision: start, selector })).map(shown);
        for (const [index, store] of replicasOpen.entries()) {
          for (let at = index; at < whole.length - 1; at += 7) {
            const fromRevision = BigInt(whole[at]?.split(" ")[2] ?? 0);
            const rest = await readUntilLast(store, { fromRevision, selector });
            expect({ fromRevision, rest: rest.map(shown) }).toEqual({ fromRevision, rest: whole.slice(at + 1) });
          }
        }
      }
    });

    test("bookmarkable: a bookmark covers all before it, and can be resumed from when its last event is compacted", async () => {
      const quick = await world.harness.open({ bookmarkIntervalMilliseconds: 10 });
      const start = (await world.create("first")).revision;
      const other = { ...at("x"), resource: "issues" };
      const watching = readWatch(
        quick,
        { fromRevision: start, bookmarks: true, selector: web },
        (seen) => seen.at(-1)?.type === "BOOKMARK" && (seen.at(-1) as WatchEvent).revision >= start + 3n,
      );
      await world.create("a", { labels: { app: "web" } });
      await world.create("b", { labels: { app: "db" } });
      const { revision: line } = await world.store.create(other, encode(other));
      const events = await watching;
      const bookmark = events.at(-1) as WatchEvent;
      expect(events.filter(({ type }) => type !== "BOOKMARK").map(shown)).toEqual([`ADDED a ${start + 1n}`]);
      await world.store.compact(line);
      await expect(readSome(quick, { fromRevision: start + 1n, selector: web }, 1)).rejects.toEqual(reason("Expired"));
      const next = await world.create("c", { labels: { app: "web" } });
      const resumed = await readSome(quick, { fromRevision: bookmark.revision, selector: web }, 1);
      expect(resumed.map(shown)).toEqual([`ADDED c ${next.revision}`]);
    });

    test("bounded: one that does not read is told Expired when history is forgotten, never a gap, and holds back nobody", async () => {
      const small = await world.harness.open({ windowMaxEvents: 5 });
      const start = (await world.create("first")).revision;
      const slow = small.watch({ group, resource, fromRevision: start })[Symbol.asyncIterator]();
      await world.create("n0");
      expect(shown((await slow.next()).value as WatchEvent)).toBe(`ADDED n0 ${start + 1n}`);
      const keeping = readUntilLast(small, { fromRevision: start });
      for (let index = 1; index <= 30; index++) await world.create(`n${index}`);
      await world.create("last");
      expect(await keeping).toHaveLength(32);
      await world.store.compact(await world.store.currentRevision());
      await small.currentRevision(); // on this replica too, it is known now
      await expect(drain(slow)).rejects.toEqual(reason("Expired"));
    });
  });

  describe("initial events", () => {
    test("are one state, and what follows it comes next, while many write", async () => {
      const replicasOpen = await stores();
      const start = (await world.create("first")).revision;
      const { halfway, done } = crowd(replicasOpen);
      await halfway;
      const watching = replicasOpen.flatMap((store) =>
        [undefined, web].map(async (selector) => ({
          selector,
          events: await readUntilLast(store, { sendInitialEvents: true, selector }),
        })),
      );
      await done;
      await world.create("last", { labels: { app: "web" } });
      for (const { selector, events } of await Promise.all(watching)) {
        const end = events.findIndex((event) => event.type === "BOOKMARK" && event.initialEventsEnd);
        const { revision } = events[end] as WatchEvent;
        const state = await world.store.list({
          ...{ group, resource, selector },
          resourceVersion: String(revision),
          resourceVersionMatch: "Exact",
        });
        expect(events.slice(0, end).map(shown)).toEqual(
          state.items.map((item) => `ADDED ${item.key.name} ${item.revision}`),
        );
        const whole = await readUntilLast(world.store, { fromRevision: start, selector });
        const rest = whole.filter((event) => event.revision > revision);
        expect(events.slice(end + 1).map(shown)).toEqual(rest.map(shown));
      }
    });
  });

  test("a watch with a field selector sees objects enter and leave it", async () => {
    const selector: Selector = { fields: [{ field: "spec.state", operator: "Equals", value: "Open" }] };
    const start = (await world.create("a", { state: "Draft" })).revision;
    for (const state of ["Open", "Open", "Closed", "Draft", "Open"])
      await world.store.update(at("a"), {}, replaceBy({ state, text: state }));
    await world.store.delete(at("a"));
    const events = await readSome(world.store, { fromRevision: start, selector }, 5);
    expect(events.map((event) => shown(event).replace(" a ", " "))).toEqual(
      ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"].map(
        (type, index) => `${type} ${start + (changesSeen[index] ?? 0n)}`,
      ),
    );
    const states = events.map((event) => event.type !== "BOOKMARK" && parsed(event.object).spec.text);
    expect(states).toEqual(["Open", "Open", "Open", "Open", "Open"]);
  });
}

/** Of the changes above those that concern it: entered, changed, left, entered again, deleted. */
const changesSeen = [1n, 2n, 3n, 5n, 6n] as const;

const web: Selector = { labels: [{ key: "app", operator: "In", values: ["web"] }] };

const readUntilLast = (store: Store, options: Partial<WatchOptions>, onEvent: (revision: bigint) => void = () => {}) =>
  readWatch(store, options, (events) => {
    const event = events.at(-1);
    if (event) onEvent(event.revision);
    return event !== undefined && event.type !== "BOOKMARK" && event.object.key.name === "last";
  });

async function drain(iterator: AsyncIterator<WatchEvent>): Promise<void> {
  while (!(await iterator.next()).done);
}

const writers = 8;
const writesEach = 20;

/**
 * Several writers who create, change and delete the same few objects over all replicas. A database that is away is waited for.
 * `answered` fills with the event each answered write must have caused.
 */
function crowd(stores: readonly Store[]) {
  const answered: string[] = [];
  const half = Promise.withResolvers<void>();
  let begun = 0;
  const write = async (writer: number, step: number): Promise<void> => {
    if (++begun === (writers * writesEach) / 2) half.resolve();
    const store = stores[(writer + step) % stores.length] as Store;
    const key = at(`k${(writer * 7 + step * 3) % 5}`);
    const body = { labels: { app: (writer + step) % 3 === 0 ? "db" : "web" }, text: `${writer}-${step}` };
    const [type, act] = chooseWrite(store, key, body, (writer + step * 5) % 7);
    try {
      answered.push(`${type} ${key.name} ${(await act()).revision}`);
    } catch (error) {
      const { reason: why = "" } = error as { reason?: string };
      if (["ServiceUnavailable", "Timeout"].includes(why)) await untilReady(store);
      else if (!["AlreadyExists", "NotFound", "Conflict"].includes(why)) throw error;
    }
  };
  const done = Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let step = 0; step < writesEach; step++) await write(writer, step);
    }),
  );
  return { answered, halfway: half.promise, done };
}

function chooseWrite(
  store: Store,
  key: ReturnType<typeof at>,
  body: NonNullable<Parameters<typeof encode>[1]>,
  choice: number,
): [type: string, act: () => Promise<StoredObject>] {
  if (choice < 3) return ["ADDED", () => store.create(key, encode(key, body))];
  if (choice < 6) return ["MODIFIED", async () => (await store.update(key, {}, replaceBy(body))).object];
  return ["DELETED", () => store.delete(key)];
}
