import { describe, expect, test } from "@jest/globals";
import { ApiError } from "@krate/kinds";
import { at, group, names, readSome, reason, replaceBy, resource, shown, type World } from "./fixtures.ts";

async function errorOf(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof ApiError) return error;
  throw new Error("no API error", { cause: error });
}

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
      const old = await errorOf(world.store.list({ group, resource, limit: 1, continue: page.continue }));
      expect(old.reason).toBe("Expired");
      const rest = await world.store.list({ group, resource, limit: 2, continue: old.continue });
      expect([names(rest.items), rest.revision]).toEqual([["c", "d"], await world.store.currentRevision()]);
      const last = await world.store.list({ group, resource, limit: 2, continue: rest.continue });
      expect([names(last.items), last.continue, last.revision]).toEqual([["e"], undefined, rest.revision]);
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
