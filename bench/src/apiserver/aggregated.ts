/** Krate behind kube-apiserver's aggregator, which proxies every request; beside the CRD of the same kube-apiserver. */
import type { RequestPlan } from "../http2-connection.ts";
import type { Measurement, SuiteOptions } from "../suite.ts";
import { allSeeds, aPage, create, get, inTurns, lengthOf, measure, oneSeed, seed } from "./measuring.ts";
import { type ServerUnderTest, startAggregated, type startAnchor, startTrivial } from "./servers.ts";

export async function measureAggregated(
  { anchor, objects }: { anchor: Awaited<ReturnType<typeof startAnchor>>; objects: number },
  options: SuiteOptions,
): Promise<Measurement[]> {
  options.progress("starting krate-apiserver and a handler that does nothing behind the aggregator");
  const krate = await startAggregated(anchor);
  try {
    await seed([krate], objects, options.progress);
    const trivial = await startTrivial(anchor);
    try {
      const rows = await besideCrd({ krate, anchor, objects }, options);
      return [...rows, await besideTrivial({ krate, trivialPath: trivial.path, objects }, options)];
    } finally {
      await trivial.stop();
    }
  } finally {
    await krate.stop();
  }
}

type Plan = (server: ServerUnderTest, number: number, round: number) => RequestPlan;

const cases: { name: string; target: number; concurrency: number; plan: Plan }[] = [
  {
    name: "create",
    target: 1.2,
    concurrency: 64,
    plan: (server, number, round) => create(server, `aggregated-${round}-${number}`),
  },
  { name: "list, page of 500", target: 2, concurrency: 4, plan: aPage },
  { name: "list of 10,000", target: 2, concurrency: 2, plan: allSeeds },
];

async function besideCrd(
  { krate, anchor }: { krate: ServerUnderTest; anchor: ServerUnderTest; objects: number },
  options: SuiteOptions,
): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  const { rounds, seconds } = lengthOf(options);
  for (const { name, target, concurrency, plan } of cases) {
    options.progress(`through the aggregator: ${name}: ${rounds} rounds of ${seconds} s each, in turns`);
    const side = (server: ServerUnderTest) => (round: number) =>
      measure(server, { seconds, concurrency, plan: (number) => plan(server, number, round) });
    const measured = await inTurns(rounds, { krate: side(krate), anchor: side(anchor) });
    rows.push({
      name: `aggregated ${name}`,
      unit: "requests/s",
      krate: measured.krate.perSecond,
      anchor: measured.anchor.perSecond,
      anchorName: anchor.name,
      target,
    });
  }
  return rows;
}

async function besideTrivial(
  { krate, trivialPath, objects }: { krate: ServerUnderTest; trivialPath: string; objects: number },
  options: SuiteOptions,
): Promise<Measurement> {
  const { rounds, seconds } = lengthOf(options);
  options.progress(`through the aggregator: get: ${rounds} rounds of ${seconds} s each, in turns`);
  const side = (plan: (number: number) => RequestPlan) => () => measure(krate, { seconds, concurrency: 64, plan });
  const measured = await inTurns(rounds, {
    krate: side((number) => oneSeed(krate, number, objects)),
    trivial: side(() => get(trivialPath)),
  });
  return {
    name: "aggregated get",
    unit: "requests/s",
    krate: measured.krate.perSecond,
    anchor: measured.trivial.perSecond,
    anchorName: "trivial handler",
    target: 0.8,
  };
}
