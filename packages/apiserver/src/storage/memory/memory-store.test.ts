import { type ConformanceSetup, storeConformance } from "../conformance.ts";
import type { Store } from "../store.ts";
import { createMemoryStore } from "./memory-store.ts";

const setup: ConformanceSetup = {
  replicas: 1,
  start: async () => undefined,
  stop: async () => undefined,
  async makeHarness() {
    let first: Store | undefined;
    return {
      async open(options = {}) {
        if (options.maxBlobBytes !== undefined) return createMemoryStore(options);
        first ??= createMemoryStore({ bookmarkIntervalMilliseconds: 20 });
        return first;
      },
      close: async () => first?.close(),
    };
  },
};

storeConformance("memory", setup);
