import { expect, test } from "@jest/globals";
import { serviceUnavailable } from "@krate/kinds";
import { createLogger } from "@krate/telemetry";
import { recordResources } from "../records/resources.ts";
import { parseRequestInfo, type ResourceRequest } from "../request-info.ts";
import { createMemoryStore } from "../storage/memory/memory-store.ts";
import type { Store } from "../storage/store.ts";
import type { AuditFacts } from "./record.ts";
import { RecordWriter, type RecordWriterOptions } from "./record-writer.ts";

function setUp({ namespace = acme, ...options }: Partial<RecordWriterOptions> & { namespace?: object | null } = {}) {
  const memory = createMemoryStore();
  const failures: Error[] = [];
  const store: Store = Object.create(memory, {
    create: {
      value: (...given: Parameters<Store["create"]>) => {
        const error = failures.shift();
        return error === undefined ? memory.create(...given) : Promise.reject(error);
      },
    },
  });
  let dropped = 0;
  let uid = 0;
  const resource = recordResources({ connects: {} }).find(({ plural }) => plural === "auditevents");
  if (resource === undefined) throw new Error("there are no audit events");
  const writer = new RecordWriter({
    store,
    resource,
    config: {
      get: () => (namespace ?? undefined) as never,
      find: async () => undefined,
      list: () => [],
      onChange() {},
      synced: () => true,
    },
    newUid: () => `uid-${++uid}`,
    log: createLogger({ component: "test", level: "silent" }),
    onDropped: (count) => {
      dropped += count;
    },
    retryMilliseconds: 1,
    ...options,
  });
  const stored = async () => (await memory.list({ group: "forge.krate.a5c.ai", resource: "auditevents" })).items.length;
  return { writer, failures, stored, dropped: () => dropped };
}

const acme = { metadata: { name: "acme", labels: { "krate.a5c.ai/org": "acme" } } };

function facts(at = 0): AuditFacts {
  const params = new URLSearchParams();
  const path = "/apis/forge.krate.a5c.ai/v1alpha1/namespaces/acme/issues/a";
  return {
    at: new Date(1_800_000_000_000 + at),
    requestId: "r",
    target: parseRequestInfo("DELETE", path, params) as ResourceRequest,
    kind: "Issue",
    storage: "postgres",
    user: { name: "ada", groups: [] },
    name: "a",
    params,
    contentType: "application/json",
    body: undefined,
    old: undefined,
    object: undefined,
    error: undefined,
    warnings: [],
    annotations: undefined,
    source: { ip: "", userAgent: undefined },
  };
}

test("everything added is written, more than a batch too", async () => {
  const { writer, stored, dropped } = setUp();
  for (let at = 0; at < 350; at++) writer.add(facts(at));
  await writer.flush();
  expect([await stored(), dropped()]).toEqual([350, 0]);
});

test("what the database does not take is tried again", async () => {
  const { writer, stored, failures, dropped } = setUp();
  failures.push(
    serviceUnavailable("no database"),
    serviceUnavailable("no database"),
    serviceUnavailable("no database"),
  );
  for (let at = 0; at < 3; at++) writer.add(facts(at));
  await writer.flush();
  expect([await stored(), dropped()]).toEqual([3, 0]);
});

test("when the program ends, there is one more try, and what is lost is counted", async () => {
  const { writer, stored, failures, dropped } = setUp({ retryMilliseconds: 1_000_000 });
  failures.push(serviceUnavailable("no database"));
  for (let at = 0; at < 3; at++) writer.add(facts(at));
  await writer.close();
  expect([await stored(), dropped()]).toEqual([2, 1]);
});

test("too many waiting are dropped and counted", async () => {
  const { writer, stored, dropped } = setUp({ maxWaiting: 10 });
  for (let at = 0; at < 25; at++) writer.add(facts(at));
  await writer.flush();
  expect([await stored(), dropped()]).toEqual([10, 15]);
});

const nowhere = [
  { reason: "the namespace is not there", namespace: null },
  {
    reason: "the namespace is going",
    namespace: { metadata: { ...acme.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } },
  },
  { reason: "the namespace is nobody's", namespace: { metadata: { name: "acme" } } },
];
test.each(nowhere)("nothing is written when $reason", async ({ namespace }) => {
  const { writer, stored, dropped } = setUp({ namespace });
  writer.add(facts());
  await writer.flush();
  expect([await stored(), dropped()]).toEqual([0, 0]);
});
