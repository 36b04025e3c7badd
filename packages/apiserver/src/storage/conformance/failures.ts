import { describe, expect, test } from "@jest/globals";
import { at, group, names, readSome, readWatch, reason, resource, shown, untilReady, type World } from "./fixtures.ts";

/** A database that restarts, goes away, comes back. */
export function failureTests(world: World): void {
  describe("when the database goes away", () => {
    test.each(["clean", "crash"] as const)("a %s restart loses nothing and watches go on", async (how) => {
      const a = await world.create("a");
      let begun = () => {};
      const hasBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const watching = readWatch(world.store, { fromRevision: a.revision }, (events) => {
        begun();
        return events.length === 2;
      });
      await world.create("b");
      await hasBegun;
      await world.harness.database?.restart(how);
      await untilReady(world.store);
      expect(names((await world.store.list({ group, resource })).items)).toEqual(["a", "b"]);
      await world.create("c");
      expect((await watching).map(shown)).toEqual(["ADDED b 2", "ADDED c 3"]);
    });

    test("reads and writes say so, and work again when it is back", async () => {
      await world.create("a");
      await world.harness.database?.down();
      await expect(world.create("b")).rejects.toEqual(
        expect.objectContaining({ reason: expect.stringMatching(/ServiceUnavailable|Timeout/) }),
      );
      await expect(world.create("b")).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(world.store.get(at("a"))).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(world.store.list({ group, resource })).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(world.store.ready()).rejects.toEqual(reason("ServiceUnavailable"));
      await world.harness.database?.up();
      await untilReady(world.store);
      await world.create("b");
      expect(names((await world.store.list({ group, resource })).items)).toEqual(["a", "b"]);
    });

    test("another replica's writes arrive after its nudges were lost", async () => {
      const other = await world.harness.open();
      const a = await world.create("a");
      await world.harness.database?.restart("crash");
      await untilReady(world.store);
      await untilReady(other);
      const watching = readSome(other, { fromRevision: a.revision }, 1);
      await world.create("b");
      expect((await watching).map(shown)).toEqual(["ADDED b 2"]);
    });
  });
}
