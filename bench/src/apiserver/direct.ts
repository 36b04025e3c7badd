/** Both servers, reached by clients themselves. */
import type { RequestPlan } from "../http2-connection.ts";
import { loadAtRate } from "../load.ts";
import type { Measurement, SuiteOptions } from "../suite.ts";
import { allSeeds, aPage, create, inTurns, lengthOf, type Measured, measure, oneSeed, withCpu } from "./measuring.ts";
import type { ServerUnderTest } from "./servers.ts";

interface Sides {
  krate: ServerUnderTest;
  anchor: ServerUnderTest;
  objects: number;
}

interface Case {
  name: string;
  target: number;
  concurrency: number;
  plan(server: ServerUnderTest, number: number, round: number): RequestPlan;
}

const cases = (objects: number): Case[] => [
  {
    name: "create, 64 in flight",
    target: 5,
    concurrency: 64,
    plan: (server, number, round) => create(server, `bench-${round}-${number}`),
  },
  { name: "get, 64 in flight", target: 4, concurrency: 64, plan: (server, number) => oneSeed(server, number, objects) },
  { name: "list, page of 500", target: 8, concurrency: 4, plan: aPage },
  { name: "list of 10,000", target: 10, concurrency: 2, plan: allSeeds },
];

export async function measureDirect({ krate, anchor, objects }: Sides, options: SuiteOptions): Promise<Measurement[]> {
  const rows: Measurement[] = [];
  const cpu: Measurement[] = [];
  const { rounds, seconds } = lengthOf(options);
  const wanted = (name: string) => options.only === undefined || name.includes(options.only);
  for (const each of cases(objects).filter(({ name }) => wanted(name))) {
    options.progress(`${each.name}: ${rounds} rounds of ${seconds} s each, in turns`);
    const side = (server: ServerUnderTest) => (round: number) =>
      measure(server, {
        seconds,
        concurrency: each.concurrency,
        plan: (number) => each.plan(server, number, round),
      });
    const measured = await inTurns(rounds, { krate: side(krate), anchor: side(anchor) });
    options.progress(`  p99 ${tell(measured.krate)}, ${anchor.name} ${tell(measured.anchor)}`);
    const { name, target } = each;
    const common = { name, anchorName: anchor.name };
    rows.push({
      ...common,
      unit: "requests/s",
      krate: measured.krate.perSecond,
      anchor: measured.anchor.perSecond,
      target,
    });
    cpu.push(...cpuRow(each.name, measured, anchor.name));
  }
  const latency = wanted(atRateName) ? await atRate({ krate, anchor, objects }, options) : [];
  return [...rows, ...latency, ...cpu];
}

const tell = ({ p99Milliseconds }: Measured) => `${p99Milliseconds.toFixed(0)} ms`;

/** Server and database together; the generator is not counted. */
function cpuRow(
  name: string,
  { krate, anchor }: Record<"krate" | "anchor", Measured>,
  anchorName: string,
): Measurement[] {
  if (krate.cpuSeconds === undefined || anchor.cpuSeconds === undefined) return [];
  return [
    {
      name: `CPU of ${name}`,
      unit: "s per 1,000",
      krate: krate.cpuSeconds,
      anchor: anchor.cpuSeconds,
      anchorName,
      target: 1,
      smallerIsBetter: true,
    },
  ];
}

const writesPerSecond = 200;
const atRateName = `create at ${writesPerSecond}/s`;

/** How long a write takes when there is no crowd. */
async function atRate({ krate, anchor }: Sides, options: SuiteOptions): Promise<Measurement[]> {
  const { rounds, seconds } = lengthOf(options);
  options.progress(`creates at ${writesPerSecond}/s: ${rounds} rounds of ${seconds} s each, in turns`);
  const measured = await inTurns(rounds, {
    krate: (round) => createsAtRate(krate, `rate-${round}`, Math.ceil(seconds)),
    anchor: (round) => createsAtRate(anchor, `rate-${round}`, Math.ceil(seconds)),
  });
  return (["p50", "p99"] as const).map((figure) => ({
    name: `${atRateName}, ${figure}`,
    unit: "ms",
    krate: measured.krate[`${figure}Milliseconds`],
    anchor: measured.anchor[`${figure}Milliseconds`],
    anchorName: anchor.name,
    target: 1,
    smallerIsBetter: true,
  }));
}

export function createsAtRate(server: ServerUnderTest, name: string, seconds: number): Promise<Measured> {
  const plan = (number: number) => create(server, `${name}-${number}`);
  return withCpu(server.pids(), () => loadAtRate(server.target, { perSecond: writesPerSecond, seconds, plan }));
}
