/** How an API server comes through a network to its database that fails in different ways. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import type { NetworkMode } from "./proxy.ts";
import { type Replica, type Replicas, startReplicas } from "./replicas.ts";

const limitMilliseconds = 240_000;
/** A request may wait for several sessions that turn out dead, some twelve seconds each. */
const answerMilliseconds = 60_000;
const path = "/api/v1/namespaces/default/configmaps";

interface Failure {
  mode: NetworkMode;
  /** How it ends: `cut` ends the connections it was on. */
  after: NetworkMode;
  reason: string;
}

const failures: readonly Failure[] = [
  { mode: "cut", after: "open", reason: "connections are refused for a while" },
  { mode: "silent", after: "open", reason: "packets are lost, then arrive" },
  { mode: "mute", after: "cut", reason: "answers are lost for good" },
  { mode: "forgotten", after: "open", reason: "old connections never say anything again" },
];

interface Answers {
  write: number;
  read: number;
  recovered: true;
}

async function comeThrough({ client, network }: Replica, { mode, after }: Failure): Promise<Answers> {
  const body = { metadata: { generateName: "n-" } };
  const write = () => client.request("POST", path, { body, timeoutMilliseconds: answerMilliseconds });
  network.set(mode);
  const written = await write();
  const read = await client.request("GET", path, { timeoutMilliseconds: answerMilliseconds });
  network.set(after);
  network.set("open");
  await eventually(async () => (await write()).status === 201, {
    timeoutSeconds: 60,
    description: "a write being taken again",
  });
  return { write: written.status, read: read.status, recovered: true };
}

describe("an API server whose database cannot be reached", () => {
  let cluster: Replicas;
  /** All at once, each with a server of its own: they mostly wait. */
  let outcomes: Promise<PromiseSettledResult<Answers>[]>;
  beforeAll(async () => {
    cluster = await startReplicas({ count: failures.length });
    outcomes = Promise.allSettled(
      failures.map((failure, index) => comeThrough(cluster.replicas[index] as Replica, failure)),
    );
  }, limitMilliseconds);
  afterAll(() => cluster?.stop(), limitMilliseconds);

  test.each(failures.map((failure, index) => ({ ...failure, index })))(
    "answers in bounded time and again afterwards: $reason",
    async ({ index }) => {
      const outcome = (await outcomes)[index];
      expect(outcome).toMatchObject({ status: "fulfilled", value: { recovered: true } });
      const { write, read } = (outcome as PromiseFulfilledResult<Answers>).value;
      expect([201, 503, 504]).toContain(write);
      expect([200, 503, 504]).toContain(read);
    },
    limitMilliseconds,
  );
});
