/** An API server that is told to stop. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Replica, type Replicas, startReplicas } from "./replicas.ts";

const limitMilliseconds = 240_000;
const path = "/api/v1/namespaces/default/configmaps";

describe("an API server that is told to stop", () => {
  let cluster: Replicas;
  let replica: Replica;
  let other: Replica;
  beforeAll(async () => {
    cluster = await startReplicas();
    [replica, other] = cluster.replicas as [Replica, Replica];
  }, limitMilliseconds);
  afterAll(() => cluster?.stop(), limitMilliseconds);

  test("ends its watches as if their time was over, and another replica goes on where they were", async () => {
    const before = (await replica.client.request("GET", path)).body as { metadata: { resourceVersion: string } };
    const query = (resourceVersion: string) => `${path}?watch=true&resourceVersion=${resourceVersion}`;
    const stop = new AbortController();
    const stream = await replica.client.stream(query(before.metadata.resourceVersion), stop.signal);
    const lines = stream?.lines[Symbol.asyncIterator]();
    await replica.client.request("POST", path, { body: { metadata: { name: "one" } } });
    const one = revisionOf((await lines?.next())?.value);

    const ended = replica.end("SIGTERM");
    expect(await lines?.next()).toEqual({ done: true, value: undefined });
    expect(stream?.endedCleanly()).toBe(true);
    await ended;

    await other.client.request("POST", path, { body: { metadata: { name: "two" } } });
    const resumed = await other.client.stream(query(one), stop.signal);
    const next = (await resumed?.lines[Symbol.asyncIterator]().next())?.value as string;
    expect(JSON.parse(next)).toMatchObject({ type: "ADDED", object: { metadata: { name: "two" } } });
    stop.abort();
  });
});

function revisionOf(line: unknown): string {
  return (JSON.parse(String(line)) as { object: { metadata: { resourceVersion: string } } }).object.metadata
    .resourceVersion;
}
