import { describe, expect, test } from "@jest/globals";
import type { Store, StoredObject } from "../store.ts";
import { at, encode, group, names, parsed, readSome, replaceBy, resource, shown, type World } from "./fixtures.ts";

/** Two replicas over one database. */
export function replicaTests(world: World): void {
  describe("two replicas", () => {
    test("read what the other has just written", async () => {
      const other = await world.harness.open();
      for (let round = 0; round < 20; round++) {
        const [one, two] = round % 2 === 0 ? [world.store, other] : [other, world.store];
        const key = at("shared");
        if (round === 0) await one.create(key, encode(key, { text: "0" }));
        else await one.update(key, {}, replaceBy({ text: String(round) }));
        expect(parsed((await two.get(key)) as StoredObject).spec.text).toBe(String(round));
        expect(parsed((await two.list({ group, resource })).items[0] as StoredObject).spec.text).toBe(String(round));
      }
      await other.delete(at("shared"));
      expect(await world.store.get(at("shared"))).toBeUndefined();
    });

    test("do not keep an object as it was in a stale copy", async () => {
      const other = await world.harness.open();
      await world.create("a", { text: "wanted" });
      await other.get(at("a"));
      await world.store.update(at("a"), {}, replaceBy({ text: "changed" }));
      const result = await other.update(at("a"), {}, (current) =>
        parsed(current).spec.text === "wanted" ? { do: "keep" } : replaceBy({ text: "wanted" })(current),
      );
      expect(parsed(result.object).spec.text).toBe("wanted");
      expect((await world.store.get(at("a")))?.revision).toBe(3n);
    });

    test("lose no update and give no number twice between them", async () => {
      const other = await world.harness.open();
      await world.create("a", { text: "" });
      const append = (via: Store, letter: string) =>
        via.update(at("a"), {}, (current) => replaceBy({ text: parsed(current).spec.text + letter })(current));
      await Promise.all([..."abcdefghijkl"].map((letter, index) => append(index % 2 ? world.store : other, letter)));
      expect(parsed((await world.store.get(at("a"))) as StoredObject).spec.text).toHaveLength(12);
      const numbers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? world.store : other).nextNumber("n")),
      );
      expect(new Set(numbers).size).toBe(20);
    });

    test("see the same gap-free rising sequence under 16 writers on both", async () => {
      const other = await world.harness.open();
      const writes = 16 * 25;
      const { revision } = await world.create("first");
      const watching = [world.store, other].map((replica) => readSome(replica, { fromRevision: revision }, writes));
      const writers = Array.from({ length: 16 }, async (_, writer) => {
        const replica = writer % 2 ? world.store : other;
        for (let index = 0; index < 25; index++) {
          const key = at(`w${writer}-${index}`);
          await replica.create(key, encode(key));
        }
      });
      await Promise.all(writers);
      const [one, two] = (await Promise.all(watching)).map((events) => events.map(shown));
      expect(one).toEqual(two);
      const revisions = (one as string[]).map((text) => Number(text.split(" ")[2]));
      expect(revisions).toEqual(Array.from({ length: writes }, (_, index) => index + 2));
    });

    test("a continue token works on the other", async () => {
      const other = await world.harness.open();
      for (const name of ["a", "b", "c"]) await world.create(name);
      const page = await world.store.list({ group, resource, limit: 2 });
      expect(names((await other.list({ group, resource, limit: 2, continue: page.continue })).items)).toEqual(["c"]);
    });
  });
}
