/** Watchers that do not read: they cost an API server no memory, and learn of it when what they missed is forgotten. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "@krate/testing";
import type { LineStream } from "./http-client.ts";
import { type Replica, type Replicas, startReplicas } from "./replicas.ts";

const limitMilliseconds = 240_000;
const path = "/api/v1/namespaces/default/configmaps";
const watchers = 40;
const writes = 300;
const objectBytes = 64 * 1024;
/** What the watchers missed is twenty times as much: 40 x 300 x 64 KiB. */
const allowedGrowthMebibytes = 384;

interface Frame {
  type: string;
  object: { code?: number; metadata: { resourceVersion: string; annotations?: { at?: string } } };
}

describe("watchers that do not read", () => {
  let cluster: Replicas;
  let replica: Replica;
  const stop = new AbortController();
  beforeAll(async () => {
    cluster = await startReplicas({ count: 1, env: { KRATE_HISTORY_MAX_AGE_SECONDS: "2" } });
    replica = cluster.replicas[0] as Replica;
  }, limitMilliseconds);
  afterAll(async () => {
    stop.abort();
    await cluster?.stop();
  }, limitMilliseconds);

  const residentMebibytes = () =>
    Number(execFileSync("ps", ["-o", "rss=", "-p", String(replica.pid())], { encoding: "utf8" })) / 1024;

  /** Answers the revision it became. */
  async function write(at: number): Promise<string> {
    const metadata = { name: "big", annotations: { at: String(at) } };
    const body = { metadata, data: { text: "x".repeat(objectBytes) } };
    const answer = await (at === 0
      ? replica.client.request("POST", path, { body })
      : replica.client.request("PUT", `${path}/big`, { body }));
    expect(answer.status).toBe(at === 0 ? 201 : 200);
    return (answer.body as Frame["object"]).metadata.resourceVersion;
  }

  test(
    "hold nothing back and cost no memory; who reads again sees all in order until told 410 Expired",
    async () => {
      const resourceVersion = await write(0);
      const streams = await Promise.all(
        Array.from({ length: watchers }, () =>
          replica.client.stream(
            `${path}?watch=true&fieldSelector=metadata.name%3Dbig&resourceVersion=${resourceVersion}`,
            stop.signal,
          ),
        ),
      );
      const before = residentMebibytes();
      let newest = "";
      let beforeNewest = "";
      for (let at = 1; at <= writes; at++) {
        beforeNewest = newest;
        newest = await write(at);
      }
      expect(residentMebibytes() - before).toBeLessThan(allowedGrowthMebibytes);

      // All of it: what a watcher that is halfway needs next may be newer than what the first one needs.
      await eventually(() => isForgotten(beforeNewest), {
        timeoutSeconds: 60,
        description: "history being forgotten",
      });
      const { seen, end } = await readToEnd(streams[0] as LineStream);
      expect(seen).toEqual(seen.map((_, index) => index + 1));
      expect(end).toBe(410);
      expect(seen.length).toBeLessThan(writes);
    },
    limitMilliseconds,
  );

  async function isForgotten(resourceVersion: string): Promise<boolean> {
    const query = `watch=true&timeoutSeconds=1&resourceVersion=${resourceVersion}`;
    const stream = (await replica.client.stream(`${path}?${query}`, stop.signal)) as LineStream;
    const first = (await stream.lines[Symbol.asyncIterator]().next()).value as string | undefined;
    stream.destroy();
    return first?.includes('"code":410') ?? false;
  }
});

/** Which writes a stream still tells of, and the code of the error that ends it. */
async function readToEnd({ lines }: LineStream): Promise<{ seen: number[]; end: number | undefined }> {
  const seen: number[] = [];
  for await (const line of lines) {
    const { type, object } = JSON.parse(line) as Frame;
    if (type === "ERROR") return { seen, end: object.code };
    seen.push(Number(object.metadata.annotations?.at));
  }
  return { seen, end: undefined };
}
