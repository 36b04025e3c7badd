import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startKindCluster } from "./kind-cluster.ts";
import { requirements } from "./requirements.ts";
import { writeWhole } from "./write-whole.ts";

const help = `hack/kind: a single-node kind cluster, for tests on a machine with Docker.

  start --data DIR      starts it, writes DIR/kind.json (kubeconfig, machineAddress), ends it on SIGINT or SIGTERM
    --image IMAGE         node image   (default: KRATE_KIND_IMAGE, else the pinned one)

example:
  hack/kind start --data .krate/kind
  krate up --kubeconfig KUBECONFIG --cluster-address ADDRESS    (both from .krate/kind/kind.json)
`;

async function start(dataFolder: string, image: string | undefined): Promise<void> {
  const missing = requirements.docker();
  if (missing) throw new Error(missing);
  const signal = new Promise<void>((done) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => done());
  });
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const infoFile = join(dataFolder, "kind.json");
  await using cluster = await startKindCluster({ ...(image !== undefined && { image }) });
  const { kubeconfig, machineAddress } = cluster;
  await writeWhole(infoFile, `${JSON.stringify({ kubeconfig, machineAddress }, undefined, 2)}\n`);
  console.log(`kubeconfig: ${kubeconfig}\nthis machine is ${machineAddress} to the cluster`);
  try {
    await signal;
  } finally {
    await rm(infoFile, { force: true });
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" }, data: { type: "string" }, image: { type: "string" } },
  });
  if (values.help || positionals.length === 0) return void console.log(help);
  if (positionals[0] !== "start") throw new Error(`unknown command "${positionals[0]}": must be start`);
  if (!values.data) throw new Error("where? give --data DIR");
  await start(resolve(values.data), values.image);
}

try {
  await main();
} catch (error) {
  console.error(`hack/kind: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
