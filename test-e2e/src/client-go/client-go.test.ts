/**
 * client-go against two replicas that are killed in turn: what its writers wrote is exactly what its watches, informers and
 * caches saw, one leader at a time holds the lease, and server-side apply keeps to its owners.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { buildGoModule, skipWithout } from "@krate/testing";
import { checkout } from "../forge.ts";
import { randomFrom } from "../history/random.ts";
import { type Replica, type Replicas, startReplicas } from "../replicas/replicas.ts";

/** `KRATE_CLIENT_GO_SECONDS=600` for a long run. */
const seconds = Number(process.env["KRATE_CLIENT_GO_SECONDS"] ?? 40);
const seed = Number(process.env["KRATE_SEED"] ?? Date.now() % 1_000_000);
/** A first build on two cores takes some two minutes. */
const buildLimitMilliseconds = 900_000;
const limitMilliseconds = seconds * 1000 + 300_000;

interface Report {
  writes: number;
  retries: number;
  events: Record<string, number>;
  syncs: Record<string, number>;
  terms: number;
  leaseEvents: number;
  applies: number;
  problems: string[];
}

skipWithout("go")(`client-go while replicas are killed (KRATE_SEED=${seed})`, () => {
  let program: string;
  let cluster: Replicas;
  beforeAll(async () => {
    program = await buildGoModule(join(checkout, "test-e2e", "client-go"));
    cluster = await startReplicas();
  }, buildLimitMilliseconds);
  afterAll(() => cluster?.stop(), limitMilliseconds);

  test(
    "sees every object exactly in order, elects one leader at a time, and applies what it owns",
    async () => {
      const finished = new AbortController();
      const running = runProgram(program, cluster).finally(() => finished.abort());
      const kills = await killInTurn(cluster.replicas, finished.signal);
      const { report, log } = await running;
      process.stderr.write(`KRATE_SEED=${seed}: ${kills} kills: ${JSON.stringify(report)}\n`);
      expect({ seed, problems: report.problems.slice(0, 20), log }).toEqual({ seed, problems: [], log });
      expect(report.writes).toBeGreaterThan(seconds);
      expect(report.terms).toBeGreaterThan(1);
      expect(report.applies).toBeGreaterThan(1);
    },
    limitMilliseconds,
  );
});

/** One replica after the other, so that another is always there; resolves with how many, all of them running again. */
async function killInTurn(replicas: readonly Replica[], signal: AbortSignal): Promise<number> {
  const random = randomFrom(seed, "kills");
  const until = performance.now() + seconds * 1000;
  let kills = 0;
  while (performance.now() < until && !signal.aborted) {
    await sleep(1_000 + random.below(3_000), undefined, { signal }).catch(() => undefined); // the program ended
    await (replicas[kills++ % replicas.length] as Replica).restart(random.next() < 0.7 ? "SIGKILL" : "SIGTERM");
  }
  return kills;
}

async function runProgram(program: string, { replicas }: Replicas): Promise<{ report: Report; log: string }> {
  const [first] = replicas as [Replica];
  const child = spawn(program, [
    `-kubeconfig=${first.kubeconfig}`,
    `-servers=${replicas.map(({ url }) => url).join(",")}`,
    `-duration=${seconds}s`,
    `-seed=${seed}`,
  ]);
  let output = "";
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk).slice(-4_000);
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (output === "") throw new Error(`the program ended with ${code}:\n${log}`);
  return { report: JSON.parse(output) as Report, log };
}
