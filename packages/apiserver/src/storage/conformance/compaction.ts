import { describe, expect, test } from "@jest/globals";
import { at, group, names, readSome, reason, replaceBy, resource, shown, type World } from "./fixtures.ts";

/** What is forgotten and what stays. */
export function compactionTests(world: World): void {
  describe("compaction", () => {
    test("keeps current objects, ends old watches and old pages with Expired", async () => {
      for (const name of ["a", "b", "c"]) await world.create(name);
      const page = await world.store.list({ group, resource, limit: 1 });
      await world.store.update(at("a"), {}, replaceBy({ text: "2" }));
      await world.store.delete(at("b"));
      const line = (await world.create("d")).revision;
      await world.store.compact(line);
      await world.create("e");
      expect(names((await world.store.list({ group, resource })).items)).toEqual(["a", "c", "d", "e"]);
      await expect(readSome(world.store, { fromRevision: 2n }, 1)).rejects.toEqual(reason("Expired"));
      await expect(world.store.list({ group, resource, limit: 1, continue: page.continue })).rejects.toEqual(
        reason("Expired"),
      );
      const exact = world.store.list({ group, resource, resourceVersion: "3", resourceVersionMatch: "Exact" });
      await expect(exact).rejects.toEqual(reason("Expired"));
      expect((await readSome(world.store, { fromRevision: line }, 1)).map(shown)).toEqual([`ADDED e ${line + 1n}`]);
      const now = await world.store.list({
        group,
        resource,
        resourceVersion: line.toString(),
        resourceVersionMatch: "Exact",
      });
      expect(names(now.items)).toEqual(["a", "c", "d"]);
    });

    test("may be asked for too much, or twice", async () => {
      const a = await world.create("a");
      await world.store.compact(a.revision + 100n);
      await world.store.compact(a.revision);
      await world.create("b");
      expect((await readSome(world.store, { fromRevision: a.revision }, 1)).map(shown)).toEqual(["ADDED b 2"]);
    });
  });
}
