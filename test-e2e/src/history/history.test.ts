/**
 * Random requests to two API servers on one Postgres while servers and database are killed and the network between them
 * fails, checked against the one history they must have had. A run prints its seed; KRATE_SEED repeats its choices, KRATE_HISTORY_SECONDS
 * and KRATE_HISTORY_RUNS make it longer.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Replicas, startReplicas } from "../replicas/replicas.ts";
import { check, explain } from "./check.ts";
import { plants } from "./plants.ts";
import { randomFrom } from "./random.ts";
import type { Recording } from "./record.ts";
import { run, summary } from "./run.ts";

const seconds = Number(process.env["KRATE_HISTORY_SECONDS"] ?? 25);
const runs = Number(process.env["KRATE_HISTORY_RUNS"] ?? 1);
const firstSeed = Number(process.env["KRATE_SEED"] ?? Date.now() % 1_000_000);
const seeds = Array.from({ length: runs }, (_, index) => firstSeed + index);
/** Beside the run itself: starting, faults that end late, watchers that catch up. */
const limitMilliseconds = seconds * 1000 + 240_000;

describe.each(seeds)("two replicas while everything breaks (KRATE_SEED=%i)", (seed) => {
  let cluster: Replicas;
  let recording: Recording;
  beforeAll(async () => {
    cluster = await startReplicas();
  }, limitMilliseconds);
  afterAll(() => cluster?.stop(), limitMilliseconds);

  test(
    "writes and reads are linearizable, lists are snapshots, watches are the history",
    async () => {
      recording = await run({ cluster, seed, seconds });
      const violations = check(recording);
      process.stderr.write(`KRATE_SEED=${seed}: ${summary(recording)}: ${explain(violations)}\n`);
      if (violations.length > 0)
        throw new Error(`KRATE_SEED=${seed}: ${explain(violations)}\n${keep(recording, cluster)}`);
    },
    limitMilliseconds,
  );

  test("faults planted into what was just recorded are noticed", () => {
    const missed = plants.filter(({ kinds, plant }) => {
      const copy = structuredClone(recording);
      return plant(copy, randomFrom(seed, "plants")) && !check(copy).some(({ kind }) => kinds.includes(kind));
    });
    expect(missed.map(({ name }) => name)).toEqual([]);
  });
});

/** Writes down everything that happened; says where. */
function keep(recording: Recording, { folder }: Replicas): string {
  const kept = mkdtempSync(join(tmpdir(), `krate-history-${recording.seed}-`));
  writeFileSync(join(kept, "recording.json"), JSON.stringify(recording));
  return `everything that happened is in ${kept} (servers' logs: ${folder})`;
}
