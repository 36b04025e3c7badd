/** What the parts of the suite share: objects, requests, and rounds in turns. */
import { cpuSeconds } from "../cpu.ts";
import type { RequestPlan } from "../http2-connection.ts";
import { type LoadOptions, type LoadResult, load, sendAll } from "../load.ts";
import { median, type SuiteOptions } from "../suite.ts";
import { bodyOf } from "./objects.ts";
import type { ServerUnderTest } from "./servers.ts";

export const get = (path: string): RequestPlan => ({ method: "GET", path });

export const create = (
  { group, collection }: Pick<ServerUnderTest, "group" | "collection">,
  name: string,
): RequestPlan => ({
  method: "POST",
  path: collection,
  body: bodyOf(group, name),
});

export const aPage = ({ collection }: ServerUnderTest): RequestPlan => get(`${collection}?limit=500`);
export const allSeeds = ({ collection }: ServerUnderTest): RequestPlan =>
  get(`${collection}?labelSelector=bench%3Dseed`);
export const oneSeed = ({ collection }: ServerUnderTest, number: number, objects: number): RequestPlan =>
  get(`${collection}/seed-${(number * 7919) % objects}`);

export async function seed(
  servers: readonly ServerUnderTest[],
  objects: number,
  progress: SuiteOptions["progress"],
): Promise<void> {
  for (const { name, target, group, collection } of servers) {
    progress(`${name}: creating ${objects} objects`);
    const numbers = Array.from({ length: objects }, (_, number) => number);
    await sendAll(
      target,
      numbers.map((number) => ({ method: "POST", path: collection, body: bodyOf(group, `seed-${number}`, "seed") })),
    );
  }
}

export interface Measured {
  perSecond: number;
  p50Milliseconds: number;
  p99Milliseconds: number;
  /** CPU seconds of server and database per 1,000 requests, where they can be told. */
  cpuSeconds: number | undefined;
}

/** A round of load on one server. */
export async function measure(
  { target, pids }: Pick<ServerUnderTest, "target" | "pids">,
  options: LoadOptions,
): Promise<Measured> {
  return withCpu(pids(), () => load(target, options));
}

export async function withCpu(pids: readonly number[], work: () => Promise<LoadResult>): Promise<Measured> {
  const before = cpuSeconds(pids);
  const result = await work();
  const after = cpuSeconds(pids);
  const spent = before === undefined || after === undefined ? undefined : after - before;
  return { ...result, cpuSeconds: spent === undefined ? undefined : (spent * 1000) / result.requests };
}

/** Rounds of the same on each, in turns; the median of each figure. */
export async function inTurns<Name extends string>(
  rounds: number,
  sides: Record<Name, (round: number) => Promise<Measured>>,
): Promise<Record<Name, Measured>> {
  const results = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, measureOnce] of Object.entries(sides) as [Name, (round: number) => Promise<Measured>][]) {
      results.set(name, [...(results.get(name) ?? []), await measureOnce(round)]);
    }
  }
  return Object.fromEntries([...results].map(([name, each]) => [name, medianOf(each)])) as Record<Name, Measured>;
}

function medianOf(results: readonly Measured[]): Measured {
  const figure = (of: (each: Measured) => number) => median(results.map(of));
  const known = results.every((each) => each.cpuSeconds !== undefined);
  return {
    perSecond: figure((each) => each.perSecond),
    p50Milliseconds: figure((each) => each.p50Milliseconds),
    p99Milliseconds: figure((each) => each.p99Milliseconds),
    cpuSeconds: known ? figure((each) => each.cpuSeconds ?? 0) : undefined,
  };
}

/** Rounds and seconds of each. */
export function lengthOf({ quick }: Pick<SuiteOptions, "quick">): { rounds: number; seconds: number } {
  return quick ? { rounds: 1, seconds: 0.5 } : { rounds: 3, seconds: 6 };
}
