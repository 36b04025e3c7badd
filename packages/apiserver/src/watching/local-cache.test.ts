import { expect, test } from "@jest/globals";
import { createLogger } from "@krate/telemetry";
import { eventually } from "@krate/testing";
import { encodeObject } from "../storage/encode-object.ts";
import { createMemoryStore } from "../storage/memory/memory-store.ts";
import { LocalCache } from "./local-cache.ts";

const log = createLogger({ component: "test", level: "silent" });
const scope = { group: "", resource: "things" };
const key = (name: string) => ({ ...scope, namespace: "ns", name });
const thing = (name: string) => encodeObject({ metadata: { name } as object });

test("follows creates, deletes, and what changed while the watch was lost", async () => {
  const store = createMemoryStore();
  await store.create(key("a"), thing("a"));
  await store.create(key("b"), thing("b"));
  // The first watch ends as if the connection had; while nobody watches, b goes.
  let watches = 0;
  const flaky = {
    ...store,
    watch: (options: Parameters<typeof store.watch>[0]) => {
      watches++;
      if (watches > 1) return store.watch(options);
      const ending = new AbortController();
      setTimeout(() => ending.abort(), 30).unref();
      return store.watch({ ...options, signal: ending.signal });
    },
  };
  const stop = new AbortController();
  const cache = new LocalCache({ store: flaky, scope, log });
  const heard: string[] = [];
  cache.onChange((object, old) =>
    heard.push(
      `${(old?.["metadata"] as { name: string } | undefined)?.name ?? "-"}>${(object?.["metadata"] as { name: string } | undefined)?.name ?? "-"}`,
    ),
  );
  const running = cache.run(stop.signal);
  await cache.whenSynced;
  expect(cache.list("ns")).toHaveLength(2);
  await store.delete(key("b"));
  await eventually(() => watches > 1 && cache.get("ns", "b") === undefined);
  await store.create(key("c"), thing("c"));
  await eventually(() => cache.get("ns", "c"));
  expect(heard).toEqual(expect.arrayContaining(["->a", "->b", "b>-", "->c"]));
  expect(cache.list("other")).toEqual([]);
  stop.abort();
  await running;
});
