/**
 * Hostile requests to a whole server: whatever comes, the answer is the client's fault (2xx to 4xx), comes, and leaves nothing behind.
 * `KRATE_TEST_SEED=<seed>` runs the same requests again.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { MemoryRequest } from "../http/memory-exchange.ts";
import { type Cluster, cluster } from "../testing/cluster.ts";
import { gizmoDefinition } from "./gizmo-definition.ts";
import { hostileRequest } from "./requests.fixture.ts";

// Thousands of requests, on a machine that may have other things to do.
jest.setTimeout(600_000);

const seed = Number(process.env["KRATE_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const requestsPerRound = Number(process.env["KRATE_FUZZ_REQUESTS"] ?? 400);
/** What caches that fill up to their bound may take between two rounds. */
const maxGrowthBytes = 24 * 1024 * 1024;

let server: Cluster;
beforeAll(async () => {
  console.info(`KRATE_TEST_SEED=${seed}`);
  server = await cluster();
  await server.apply("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", gizmoDefinition);
});
afterAll(() => server.stop());

/** The one 5xx that a client may ask for: to read a state that is not there yet. */
function isAskedFor(status: number, text: string): boolean {
  return status === 504 && text.includes("ResourceVersionTooLarge");
}

async function ask(request: MemoryRequest): Promise<void> {
  const { status, text } = await server.send(request);
  if (status >= 500 && !isAskedFor(status, text)) {
    throw new Error(`${status} for ${request.method} ${request.url}: ${text.slice(0, 500)}`);
  }
  if (status < 200) throw new Error(`no answer for ${request.method} ${request.url}`);
}

async function round(at: number): Promise<void> {
  await fc.assert(fc.asyncProperty(hostileRequest, ask), {
    seed: seed + at,
    numRuns: requestsPerRound,
    endOnFailure: true,
  });
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed + process.memoryUsage().external;
}

test("no request yields a 5xx, and memory stays as it is", async () => {
  await round(0);
  await round(1);
  const before = heapBytes();
  await round(2);
  await round(3);
  const grown = heapBytes() - before;
  expect(grown).toBeLessThan(maxGrowthBytes);
  const { status } = await server.send({ url: "/readyz" });
  expect(status).toBe(200);
});
