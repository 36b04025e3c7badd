/** How an API server comes through a network to its database that fails in different ways. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import type { NetworkMode } from "./proxy.ts";
import { type Replica, type Replicas, startReplicas } from "./replicas.ts";

const limitMilliseconds = 240_000;
const path = "/api/v1/namespaces/default/configmaps";

describe("an API server whose database cannot be reached", () => {
  let cluster: Replicas;
  let replica: Replica;
  beforeAll(async () => {
    cluster = await startReplicas({ count: 1 });
    replica = cluster.replicas[0] as Replica;
  }, limitMilliseconds);
  afterAll(() => cluster?.stop(), limitMilliseconds);

  /** How the failure ends: `cut` ends the connections it was on. */
  test.each<{ mode: NetworkMode; after: NetworkMode; reason: string }>([
    { mode: "cut", after: "open", reason: "connections are refused for a while" },
    { mode: "silent", after: "open", reason: "packets are lost, then arrive" },
    { mode: "mute", after: "cut", reason: "answers are lost for good" },
    { mode: "forgotten", after: "open", reason: "old connections never say anything again" },
  ])(
    "answers in bounded time and again afterwards: $reason",
    async ({ mode, after }) => {
      replica.network.set(mode);
      const write = { body: { metadata: { generateName: "n-" } }, timeoutMilliseconds: 60_000 };
      const during = await replica.client.request("POST", path, write);
      const read = await replica.client.request("GET", path, { timeoutMilliseconds: 60_000 });
      replica.network.set(after);
      replica.network.set("open");
      await eventually(async () => (await replica.client.request("POST", path, write)).status === 201, {
        timeoutSeconds: 60,
        description: "a write being taken again",
      });
      expect([201, 503, 504]).toContain(during.status);
      expect([200, 503, 504]).toContain(read.status);
    },
    limitMilliseconds,
  );
});
