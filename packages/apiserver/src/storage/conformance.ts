import { afterAll, afterEach, beforeAll, beforeEach, describe } from "@jest/globals";
import { attachmentTests } from "./conformance/attachments.ts";
import { compactionTests } from "./conformance/compaction.ts";
import { failureTests } from "./conformance/failures.ts";
import { at, type ConformanceSetup, encode, type StoreHarness, type World } from "./conformance/fixtures.ts";
import { guaranteeTests } from "./conformance/guarantees.ts";
import { historyTests } from "./conformance/history.ts";
import { listTests } from "./conformance/lists.ts";
import { objectTests } from "./conformance/objects.ts";
import { replicaTests } from "./conformance/replicas.ts";
import { watchTests } from "./conformance/watches.ts";
import type { Store } from "./store.ts";

export type { ConformanceSetup, StoreHarness } from "./conformance/fixtures.ts";

/** Every promise of the `Store` interface. Runs over each implementation. */
export function storeConformance(implementation: string, setup: ConformanceSetup): void {
  describe(`storage conformance: ${implementation}`, () => {
    let harness: StoreHarness;
    let store: Store;
    beforeAll(() => setup.start());
    afterAll(() => setup.stop());
    beforeEach(async () => {
      harness = await setup.makeHarness();
      store = await harness.open();
    });
    afterEach(() => harness.close());

    const world: World = {
      get store() {
        return store;
      },
      get harness() {
        return harness;
      },
      create: (name, body, namespace) => store.create(at(name, namespace), encode(at(name, namespace), body)),
    };
    objectTests(world);
    listTests(world);
    watchTests(world);
    compactionTests(world);
    attachmentTests(world);
    guaranteeTests(world, setup);
    historyTests(world, setup);
    if (setup.replicas === 1) return;
    replicaTests(world);
    failureTests(world);
  });
}
