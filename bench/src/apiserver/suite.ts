/**
 * krate-apiserver over Postgres beside a CRD on kube-apiserver over etcd: the same objects of 2 KB, TLS, token, the same
 * generator, both with fsync, in turns so that a machine that slows down slows both (figures and goals: docs/performance.md).
 */
import type { Measurement, Suite, SuiteOptions } from "../suite.ts";
import { measureAggregated } from "./aggregated.ts";
import { measureDirect } from "./direct.ts";
import { measureLarge } from "./large.ts";
import { seed } from "./measuring.ts";
import { startAnchor, startKrate } from "./servers.ts";

async function run(options: SuiteOptions): Promise<Measurement[]> {
  const { quick, large, only, progress } = options;
  const objects = quick ? 200 : 10_000;
  progress("starting kube-apiserver + etcd and krate-apiserver + Postgres, both with fsync");
  const anchor = await startAnchor();
  try {
    const krate = await startKrate();
    try {
      await seed([krate, anchor], objects, progress);
      const direct = await measureDirect({ krate, anchor, objects }, options);
      const many = large ? await measureLarge({ krate, objects }, options) : [];
      const aggregated = only === undefined ? await measureAggregated({ anchor, objects }, options) : [];
      return [...direct, ...many, ...aggregated];
    } finally {
      await krate.stop();
    }
  } finally {
    await anchor.stop();
  }
}

export const apiserver: Suite = {
  name: "apiserver",
  about: "create, get and list beside a CRD on kube-apiserver + etcd, direct and through the aggregator",
  run,
};
