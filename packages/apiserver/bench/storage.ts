/**
 * Measures the store alone, without HTTP:  node --conditions=development packages/apiserver/bench/storage.ts [objects]
 * Starts a Postgres of its own (fsync on) in a temporary folder and removes it. Figures of a shared machine are a hint.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedPostgres } from "@krate/postgres/embedded";
import { encodeObject, type ObjectKey, openPostgresStore, type Store, watchFrame } from "../src/storage/index.ts";

const scope = { group: "forge.krate.a5c.ai", resource: "pullrequests" };
const secondsPerMeasurement = 3;
const filler = "x".repeat(1_500);

const folder = await mkdtemp(join(tmpdir(), "krate-bench-"));
await chmod(folder, 0o711);
const server = await startEmbeddedPostgres({ dataDir: join(folder, "data") });
const store = await openPostgresStore({ connection: server.connection });
try {
  await measure(store, Number(process.argv[2] ?? 10_000));
} finally {
  await store.close();
  await server.stop();
  await rm(folder, { recursive: true });
}

function keyOf(number: number, namespace = "acme"): ObjectKey {
  return { ...scope, namespace, name: `web-${String(number).padStart(7, "0")}` };
}

/** About 2 KB, with the labels and fields of a pull request. */
function objectOf({ name, namespace }: ObjectKey, number: number) {
  const metadata = {
    name,
    namespace,
    uid: "0b7c4d1e-7a8f-4c65-9d5c-3f0c6a0e3c11",
    creationTimestamp: "2026-11-24T08:00:00Z",
    labels: {
      "krate.a5c.ai/org": "acme",
      "krate.a5c.ai/repository": `repo-${number % 50}`,
      "krate.a5c.ai/number": String(number),
    },
  };
  const object = { apiVersion: "forge.krate.a5c.ai/v1alpha1", kind: "PullRequest", metadata, spec: { title: filler } };
  return encodeObject(object, {
    "status.phase": number % 10 ? "Closed" : "Open",
    "spec.author": `user-${number % 20}`,
  });
}

function memory(): string {
  return `RSS ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`;
}

async function perSecond(name: string, clients: number, step: (index: number) => Promise<unknown>): Promise<void> {
  let done = 0;
  let next = 0;
  const started = performance.now();
  const until = started + secondsPerMeasurement * 1000;
  const cpu = process.cpuUsage();
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) {
        const before = performance.now();
        await step(next++);
        latencies.push(performance.now() - before);
        done++;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? 0).toFixed(2);
  const micros = Math.round((used.user + used.system) / done);
  console.log(
    `${name.padEnd(44)} ${String(Math.round((done / seconds) * 10) / 10).padStart(9)}/s   p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   node CPU ${micros} µs each, ${memory()}`,
  );
}

async function measure(store: Store, objects: number): Promise<void> {
  let number = 0;
  const create = () => {
    const n = number++;
    const key = keyOf(n);
    return store.create(key, objectOf(key, n));
  };
  await perSecond("create, 1 client", 1, create);
  await perSecond("create, 64 clients", 64, create);
  await perSecond("update, 64 clients", 64, (index) => {
    const n = (index * 7919) % number;
    return store.update(keyOf(n), {}, ({ key }) => ({ do: "replace", object: objectOf(key, n) }));
  });
  while (number < objects) await Promise.all(Array.from({ length: 256 }, create));
  console.log(`objects: ${number}`);
  await perSecond("get, 1 client", 1, (index) => store.get(keyOf((index * 7919) % number)));
  await perSecond("get one object, 64 clients", 64, () => store.get(keyOf(5)));
  await perSecond("get any object, 64 clients", 64, (index) => store.get(keyOf((index * 7919) % number)));
  const page = await store.list({ ...scope, limit: 500 });
  await perSecond("list, first page of 500, 4 clients", 4, () => store.list({ ...scope, limit: 500 }));
  await perSecond("list, second page of 500, 4 clients", 4, () =>
    store.list({ ...scope, limit: 500, continue: page.continue }),
  );
  await perSecond("list 10,000, 2 clients", 2, async () => {
    const stream = await store.listStream({ ...scope, limit: 10_000 });
    for await (const _ of stream.chunks);
  });
  const selector = { labels: [{ key: "krate.a5c.ai/repository", operator: "In", values: ["repo-7"] }] } as const;
  await perSecond("list by label, page of 500, 4 clients", 4, () => store.list({ ...scope, selector, limit: 500 }));
  await fanOut(store, 1_000);
  const used = Object.entries(process.memoryUsage()).map(([name, bytes]) => `${name} ${Math.round(bytes / 2 ** 20)}`);
  console.log(`node memory, MiB: ${used.join(", ")}`);
}

/** One write, and how long until the last of many watchers has its frame. */
async function fanOut(store: Store, watchers: number): Promise<void> {
  const abort = new AbortController();
  const fromRevision = await store.currentRevision();
  let seen = 0;
  let allSeen = () => {};
  for (let index = 0; index < watchers; index++) {
    void store.watch({ ...scope, fromRevision, signal: abort.signal }).forEach((events) => {
      for (const event of events) if (event.type !== "BOOKMARK") watchFrame(event);
      seen += events.length;
      if (seen >= watchers) allSeen();
    });
  }
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    seen = 0;
    const all = new Promise<void>((resolve) => {
      allSeen = resolve;
    });
    const before = performance.now();
    await store.update(keyOf(1), {}, ({ key }) => ({ do: "replace", object: objectOf(key, 1) }));
    await all;
    times.push(performance.now() - before);
  }
  abort.abort();
  times.sort((a, b) => a - b);
  console.log(`write to last of ${watchers} watchers: median ${(times[10] ?? 0).toFixed(1)} ms`);
}
