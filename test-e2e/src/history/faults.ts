/** What goes wrong during a run, and when, as the seed says. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NetworkMode } from "../replicas/proxy.ts";
import type { DatabaseFault, Replica, Replicas } from "../replicas/replicas.ts";
import type { Random } from "./random.ts";
import type { Fault } from "./record.ts";

export interface FaultOptions {
  cluster: Replicas;
  random: Random;
  record: (fault: Fault) => void;
  signal: AbortSignal;
}

const faultWeights = {
  "kill -9 of a replica": 3,
  "SIGTERM of a replica": 1,
  "kill -9 of postgres": 2,
  "kill -9 of a session": 2,
  "fast shutdown": 1,
  cut: 2,
  silent: 2,
  mute: 3,
  forgotten: 2,
} as const;
type FaultName = keyof typeof faultWeights;

const quietMilliseconds = 1_500;
const networkMilliseconds = 2_500;

/** One fault after the other until told to stop; resolves when everything is whole again. */
export async function runFaults(options: FaultOptions): Promise<void> {
  const { cluster, random, record, signal } = options;
  while (!signal.aborted) {
    await sleep(random.below(quietMilliseconds), undefined, { signal }).catch(() => undefined); // it ends early
    const name = random.weighted(faultWeights);
    const index = random.below(cluster.replicas.length);
    const duration = 200 + random.below(networkMilliseconds);
    const isReset = random.next() < 0.5;
    if (signal.aborted) return;
    record({ at: performance.now(), what: isOfReplica(name) ? `${name} (replica ${index})` : name });
    await breakSomething(name, { cluster, replica: cluster.replicas[index] as Replica, duration, isReset });
    record({ at: performance.now(), what: `${name}: over` });
  }
}

interface Target {
  cluster: Replicas;
  replica: Replica;
  duration: number;
  isReset: boolean;
}

async function breakSomething(name: FaultName, target: Target): Promise<void> {
  if (name === "kill -9 of a replica") await target.replica.restart("SIGKILL");
  else if (name === "SIGTERM of a replica") await target.replica.restart("SIGTERM");
  else if (isNetwork(name)) await breakNetwork(name, target);
  else await target.cluster.breakDatabase(name);
}

async function breakNetwork(mode: NetworkMode, { replica: { network }, duration, isReset }: Target): Promise<void> {
  network.set(mode);
  await sleep(duration);
  if (isReset && mode !== "forgotten") network.set("cut");
  network.set("open");
}

function isNetwork(name: FaultName): name is Exclude<FaultName, DatabaseFault | `${string} of a replica`> {
  return name === "cut" || name === "silent" || name === "mute" || name === "forgotten";
}

const isOfReplica = (name: FaultName) => isNetwork(name) || name.endsWith("of a replica");
