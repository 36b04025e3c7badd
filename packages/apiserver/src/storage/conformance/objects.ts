import { describe, expect, test } from "@jest/globals";
import type { StoredObject } from "../store.ts";
import { at, group, parsed, reason, replaceBy, resource, type World } from "./fixtures.ts";

/** create, get, update, delete. */
export function objectTests(world: World): void {
  describe("objects", () => {
    test("are served with their revision inside", async () => {
      const made = await world.create("a", { text: 'ü "quoted" \\ 文字\u0000\u001f 😀' });
      expect(parsed(made).metadata.resourceVersion).toBe(made.revision.toString());
      const got = await world.store.get(at("a"));
      expect(got?.bytes.equals(made.bytes)).toBe(true);
      expect(got?.bytes.subarray(got.revisionOffset).toString().startsWith(`${made.revision}"`)).toBe(true);
      expect(parsed(made).spec.text).toBe('ü "quoted" \\ 文字\u0000\u001f 😀');
    });

    test("that do not exist are undefined", async () => {
      expect(await world.store.get(at("nobody"))).toBeUndefined();
      await world.create("a");
      expect(await world.store.get(at("nobody"))).toBeUndefined();
      expect(await world.store.get(at("a", "other"))).toBeUndefined();
    });

    test("are created once", async () => {
      await world.create("a");
      await expect(world.create("a")).rejects.toEqual(reason("AlreadyExists"));
      await world.create("a", {}, "other");
    });

    test("of a crowd creating one name, one wins", async () => {
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => world.create("a")));
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
    });

    test("are updated on the revision the caller saw, and no other", async () => {
      const made = await world.create("a");
      const next = await world.store.update(at("a"), { expectedRevision: made.revision }, replaceBy({ text: "2" }));
      expect(next).toMatchObject({ outcome: "replaced", object: { revision: made.revision + 1n } });
      const late = world.store.update(at("a"), { expectedRevision: made.revision }, replaceBy({ text: "3" }));
      await expect(late).rejects.toEqual(reason("Conflict"));
      const ahead = world.store.update(at("a"), { expectedRevision: 999n }, replaceBy({ text: "3" }));
      await expect(ahead).rejects.toEqual(reason("Conflict"));
    });

    test("updated by a crowd without a revision lose no update", async () => {
      await world.create("a", { text: "" });
      const append = (letter: string) =>
        world.store.update(at("a"), {}, (current) => replaceBy({ text: parsed(current).spec.text + letter })(current));
      await Promise.all([..."abcdefghijkl"].map(append));
      const text = parsed((await world.store.get(at("a"))) as StoredObject).spec.text;
      expect([...text].sort().join("")).toBe("abcdefghijkl");
    });

    test("that are kept cost no revision", async () => {
      const made = await world.create("a");
      const kept = await world.store.update(at("a"), {}, () => ({ do: "keep" }));
      expect(kept).toMatchObject({ outcome: "kept", object: { revision: made.revision } });
      expect(await world.store.currentRevision()).toBe(made.revision);
    });

    test("are removed by an update that says so", async () => {
      await world.create("a");
      const removed = await world.store.update(at("a"), {}, () => ({ do: "remove" }));
      expect(removed.outcome).toBe("removed");
      expect(await world.store.get(at("a"))).toBeUndefined();
    });

    test("refuse an update whose change throws, and stay", async () => {
      const made = await world.create("a");
      const broken = world.store.update(at("a"), {}, () => {
        throw new Error("no");
      });
      await expect(broken).rejects.toThrow("no");
      expect((await world.store.get(at("a")))?.revision).toBe(made.revision);
    });

    test("are deleted once; the answer is their last state under the deletion's revision", async () => {
      const made = await world.create("a", { text: "last" });
      const gone = await world.store.delete(at("a"));
      expect(gone.revision).toBe(made.revision + 1n);
      expect(parsed(gone)).toMatchObject({
        metadata: { resourceVersion: gone.revision.toString() },
        spec: { text: "last" },
      });
      expect(await world.store.get(at("a"))).toBeUndefined();
      await expect(world.store.delete(at("a"))).rejects.toEqual(reason("NotFound"));
      await expect(world.store.update(at("a"), {}, replaceBy({}))).rejects.toEqual(reason("NotFound"));
      expect((await world.create("a")).revision).toBe(gone.revision + 1n);
    });

    test("are not deleted when a precondition fails", async () => {
      const made = await world.create("a");
      await expect(world.store.delete(at("a"), { expectedRevision: made.revision + 1n })).rejects.toEqual(
        reason("Conflict"),
      );
      const check = () => {
        throw new Error("wrong uid");
      };
      await expect(world.store.delete(at("a"), { check })).rejects.toThrow("wrong uid");
      expect(await world.store.get(at("a"))).toBeDefined();
      await world.store.delete(at("a"), { expectedRevision: made.revision });
    });

    test("one write that fails does not fail those beside it", async () => {
      await world.create("taken");
      const results = await Promise.allSettled([world.create("a"), world.create("taken"), world.create("b")]);
      expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    });

    test("that were not written since a time are found, for retention", async () => {
      await world.create("a");
      await world.create("b");
      await world.create("c", {}, "other");
      const scope = { group, resource };
      const past = new Date(Date.now() - 60_000);
      const future = new Date(Date.now() + 60_000);
      const found = async (more: { namespace?: string }, time: Date, limit: number) =>
        (await world.store.unchangedSince({ ...scope, ...more }, time, limit)).map(
          ({ namespace, name }) => `${namespace}/${name}`,
        );
      expect(await found({}, past, 10)).toEqual([]);
      expect(await found({}, future, 10)).toEqual(["acme/a", "acme/b", "other/c"]);
      expect(await found({}, future, 2)).toEqual(["acme/a", "acme/b"]);
      expect(await found({ namespace: "other" }, future, 10)).toEqual(["other/c"]);
      expect(await world.store.unchangedSince({ group, resource: "nothing" }, future, 10)).toEqual([]);
    });
  });
}
