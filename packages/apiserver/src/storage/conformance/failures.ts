IMPORTS
function testDatabaseFailures(
  context: () => { harness: StoreHarness; store: Store; create: (name: string) => Promise<StoredObject> },
  setup: ConformanceSetup,
): void {
  if (setup.replicas === 1) return;
  describe("when the database goes away", () => {
    test.each(["clean", "crash"] as const)("a %s restart loses nothing and watches go on", async (how) => {
      const { harness, store, create } = context();
      const a = await create("a");
      const watching = readSome(store, { fromRevision: a.revision }, 2);
      await create("b");
      await harness.database?.restart(how);
      await untilReady(store);
      expect(names((await store.list({ group, resource })).items)).toEqual(["a", "b"]);
      await create("c");
      expect((await watching).map(shown)).toEqual(["ADDED b 2", "ADDED c 3"]);
    });

    test("reads and writes say so, and work again when it is back", async () => {
      const { harness, store, create } = context();
      await create("a");
      await harness.database?.down();
      await expect(create("b")).rejects.toEqual(
        expect.objectContaining({ reason: expect.stringMatching(/ServiceUnavailable|Timeout/) }),
      );
      await expect(create("b")).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(store.get(at("a"))).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(store.list({ group, resource })).rejects.toEqual(reason("ServiceUnavailable"));
      await expect(store.ready()).rejects.toEqual(reason("ServiceUnavailable"));
      await harness.database?.up();
      await untilReady(store);
      await create("b");
      expect(names((await store.list({ group, resource })).items)).toEqual(["a", "b"]);
    });

    test("another replica's writes arrive after its nudges were lost", async () => {
      const { harness, store, create } = context();
      const other = await harness.open();
      const a = await create("a");
      await harness.database?.restart("crash");
      await untilReady(store);
      await untilReady(other);
      const watching = readSome(other, { fromRevision: a.revision }, 1);
      await create("b");
      expect((await watching).map(shown)).toEqual(["ADDED b 2"]);
    });
  });
}