/**
 * krate-apiserver over Postgres beside a CRD on kube-apiserver over etcd: the same objects of 2 KB, TLS, token, the same
 * generator, both with fsync, in turns so that a machine that slows down slows both (targets: docs/architecture.md#speed).
 */

import type { RequestPlan } from "../http2-connection.ts";
import { type LoadOptions, type LoadResult, load, sendAll } from "../load.ts";
import { type Measurement, median, type Suite, type SuiteOptions } from "../suite.ts";
import { bodyOf, collection, namespace } from "./objects.ts";
import { type ServerUnderTest, startAnchor, startKrate } from "./servers.ts";

interface Case {
  name: string;
  target: number;
  options(round: number): Omit<LoadOptions, "seconds">;
}

const get = (path: string): RequestPlan => ({ method: "GET", path });

const cases = (objects: number): Case[] => [
  {
    name: "create, 64 in flight",
    target: 5,
    options: (round) => ({
      concurrency: 64,
      plan: (n) => ({ method: "POST", path: collection, body: bodyOf(`bench-${round}-${n}`) }),
    }),
  },
  {
    name: "get, 64 in flight",
    target: 4,
    options: () => ({ concurrency: 64, plan: (n) => get(`${collection}/seed-${(n * 7919) % objects}`) }),
  },
  {
    name: "list, page of 500",
    target: 8,
    options: () => ({ concurrency: 4, plan: () => get(`${collection}?limit=500`) }),
  },
  {
    name: "list of 10,000",
    target: 10,
    options: () => ({ concurrency: 2, plan: () => get(`${collection}?labelSelector=bench%3Dseed`) }),
  },
];

async function measureInTurns(
  servers: { krate: ServerUnderTest; anchor: ServerUnderTest },
  each: Case,
  rounds: number,
  seconds: number,
): Promise<{ krate: LoadResult[]; anchor: LoadResult[] }> {
  const results = { krate: [] as LoadResult[], anchor: [] as LoadResult[] };
  for (let round = 0; round < rounds; round++) {
    for (const side of ["krate", "anchor"] as const) {
      results[side].push(await load(servers[side].target, { ...each.options(round), seconds }));
    }
  }
  return results;
}

async function run({ quick, progress }: SuiteOptions): Promise<Measurement[]> {
  const objects = quick ? 200 : 10_000;
  const [rounds, seconds] = quick ? [1, 0.5] : [3, 6];
  progress("starting kube-apiserver + etcd and krate-apiserver + Postgres, both with fsync");
  const anchor = await startAnchor();
  const krate = await startKrate();
  try {
    const seeds = Array.from({ length: objects }, (_, n) => `seed-${n}`);
    for (const server of [krate, anchor]) {
      progress(`${server.name}: creating ${objects} objects in ${namespace}`);
      await sendAll(
        server.target,
        seeds.map((name) => ({ method: "POST", path: collection, body: bodyOf(name, "seed") })),
      );
    }
    const rows: Measurement[] = [];
    for (const each of cases(objects)) {
      progress(`${each.name}: ${rounds} rounds of ${seconds} s each, in turns`);
      const measured = await measureInTurns({ krate, anchor }, each, rounds, seconds);
      const rate = (results: LoadResult[]) => median(results.map(({ perSecond }) => perSecond));
      const p99 = (results: LoadResult[]) => median(results.map(({ p99Milliseconds }) => p99Milliseconds)).toFixed(0);
      progress(`  p99 ${p99(measured.krate)} ms, ${anchor.name} ${p99(measured.anchor)} ms`);
      rows.push({
        name: each.name,
        unit: "requests/s",
        krate: rate(measured.krate),
        anchor: rate(measured.anchor),
        anchorName: anchor.name,
        target: each.target,
      });
    }
    return rows;
  } finally {
    await krate.stop();
    await anchor.stop();
  }
}

export const apiserver: Suite = {
  name: "apiserver",
  about: "create, get and list beside a CRD on kube-apiserver + etcd",
  run,
};
