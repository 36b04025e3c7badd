import { describe, expect, test } from "@jest/globals";
import type { Selector, WatchEvent } from "../store.ts";
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
  type World,
} from "./fixtures.ts";

/** Order, selectors, bookmarks, slow readers, ends. */
export function watchTests(world: World): void {
  describe("watches", () => {
    test("start after the revision given and see each change once, in order", async () => {
      const a = await world.create("a");
      await world.create("b");
      await world.store.update(at("a"), {}, replaceBy({ text: "2" }));
      await world.store.delete(at("b"));
      await world.store.create({ ...at("x"), resource: "issues" }, encode(at("x")));
      await world.create("c", {}, "other");
      const events = await readSome(world.store, { fromRevision: a.revision }, 4);
      expect(events.map(shown)).toEqual(["ADDED b 2", "MODIFIED a 3", "DELETED b 4", "ADDED c 6"]);
      const inNamespace = await readSome(world.store, { fromRevision: a.revision, namespace: "other" }, 1);
      expect(inNamespace.map(shown)).toEqual(["ADDED c 6"]);
    });

    test("see what is written while they wait", async () => {
      const a = await world.create("a");
      const watching = readSome(world.store, { fromRevision: a.revision }, 2);
      await world.create("b");
      await world.store.delete(at("b"));
      expect((await watching).map(shown)).toEqual(["ADDED b 2", "DELETED b 3"]);
    });

    test("without a revision begin with the current state", async () => {
      await world.create("b");
      await world.create("a");
      let third: Promise<unknown> | undefined;
      const events = await readWatch(world.store, {}, (seen) => {
        if (seen.length === 2) third = world.create("c");
        return seen.length === 3;
      });
      await third;
      expect(events.map(shown)).toEqual(["ADDED a 2", "ADDED b 1", "ADDED c 3"]);
    });

    test("send initial events and say where they end", async () => {
      await world.create("a");
      await world.create("b");
      const events = await readSome(world.store, { sendInitialEvents: true, fromRevision: 1n }, 3);
      expect(events.map(shown)).toEqual(["ADDED a 1", "ADDED b 2", "BOOKMARK 2 end"]);
    });

    test("with a selector see objects enter and leave it", async () => {
      const web = { labels: { app: "web" } };
      const selector: Selector = { labels: [{ key: "app", operator: "In", values: ["web"] }] };
      await world.create("a", { ...web, text: "matching" });
      await world.store.update(at("a"), {}, replaceBy({ labels: { app: "db" }, text: "left" }));
      await world.store.update(at("a"), {}, replaceBy({ labels: { app: "db" }, text: "still out" }));
      await world.store.update(at("a"), {}, replaceBy({ ...web, text: "back" }));
      await world.store.update(at("a"), {}, replaceBy({ ...web, text: "changed" }));
      await world.create("b", { labels: { app: "db" } });
      await world.store.delete(at("b"));
      await world.store.delete(at("a"));
      const events = await readSome(world.store, { selector, fromRevision: 1n }, 4);
      expect(events.map(shown)).toEqual(["DELETED a 2", "ADDED a 4", "MODIFIED a 5", "DELETED a 8"]);
      const texts = events.map((event) => event.type !== "BOOKMARK" && parsed(event.object).spec.text);
      expect(texts).toEqual(["matching", "back", "changed", "changed"]);
      const inside = events.map((event) => event.type !== "BOOKMARK" && parsed(event.object).metadata.resourceVersion);
      expect(inside).toEqual(["2", "4", "5", "8"]);
    });

    test("share one copy of the bytes", async () => {
      await world.create("a");
      const [one, two] = await Promise.all([
        readSome(world.store, { fromRevision: 0n }, 1),
        readSome(world.store, { fromRevision: 0n }, 1),
      ]);
      expect(one.map(shown)).toEqual(two.map(shown));
      const b = await world.create("b");
      const [three, four] = await Promise.all([
        readSome(world.store, { fromRevision: b.revision - 1n }, 1),
        readSome(world.store, { fromRevision: b.revision - 1n }, 1),
      ]);
      expect(three[0]).toBe(four[0]);
    });

    test("get bookmarks while nothing concerns them", async () => {
      const quick = await world.harness.open({ bookmarkIntervalMilliseconds: 20 });
      await world.create("a");
      const watching = readWatch(quick, { fromRevision: 1n, bookmarks: true }, (events) =>
        events.some((event) => event.revision >= 3n),
      );
      await world.store.create({ ...at("x"), resource: "issues" }, encode(at("x")));
      await world.store.create({ ...at("y"), resource: "issues" }, encode(at("y")));
      const events = await watching;
      expect(events.every((event) => event.type === "BOOKMARK")).toBe(true);
      expect(events.at(-1)?.revision).toBe(3n);
    });

    test("from the future are refused", async () => {
      await world.create("a");
      await expect(readSome(world.store, { fromRevision: 999n }, 1)).rejects.toEqual(reason("Timeout"));
    });

    test("that are slow read from the log what the window has dropped", async () => {
      const small = await world.harness.open({ windowMaxEvents: 5 });
      const first = await world.create("first");
      const abort = new AbortController();
      const watching = small.watch({ group, resource, fromRevision: first.revision, signal: abort.signal });
      const iterator = watching[Symbol.asyncIterator]();
      await world.create("n0");
      expect(shown((await iterator.next()).value as WatchEvent)).toBe("ADDED n0 2");
      await Promise.all(Array.from({ length: 40 }, (_, index) => world.create(`n${index + 1}`)));
      await small.currentRevision();
      const seen: bigint[] = [];
      while (seen.length < 40) seen.push(((await iterator.next()).value as WatchEvent).revision);
      expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => BigInt(index + 3)));
      abort.abort();
      await iterator.return?.(undefined);
    });

    test("end without an error when told to, and when the world.store closes", async () => {
      await world.create("a");
      const aborted = new AbortController();
      const watching = readWatch(world.store, { fromRevision: 1n, signal: aborted.signal }, () => false);
      aborted.abort();
      expect(await watching).toEqual([]);
      const other = await world.harness.open();
      const open = readWatch(other, { fromRevision: 1n, signal: undefined }, () => false);
      await other.currentRevision();
      await other.close();
      expect(await open).toEqual([]);
    });
  });
}
