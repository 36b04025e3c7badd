/** A run: clients and watchers on two replicas while things break, recorded from the first request to the last event. */
import { eventually } from "@krate/testing";
import type { Client as HttpClient } from "../replicas/http-client.ts";
import type { Replicas } from "../replicas/replicas.ts";
import { runClient } from "./client.ts";
import { runFaults } from "./faults.ts";
import { collectionPath, colors, keys, manifest, namespaces, revisionOf, seenOf } from "./objects.ts";
import { randomFrom } from "./random.ts";
import { type Recording, type Resource, resources, type Scope, type Session } from "./record.ts";
import { runWatcher } from "./watcher.ts";

export interface RunOptions {
  cluster: Replicas;
  seed: number;
  seconds: number;
  /** @defaultValue 6 */
  clients?: number;
  /** @defaultValue true */
  faults?: boolean;
}

/** All that broke is whole again by then, and the server had its chance to notice. */
const recoverySeconds = 60;

export async function run({ cluster, seed, seconds, clients = 6, faults = true }: RunOptions): Promise<Recording> {
  const replicas = cluster.replicas.map(({ client }) => client);
  const start = await prepare(replicas[0] as HttpClient);
  const recording: Recording = { seed, start, operations: [], sessions: [], faults: [], end: { ...noEnd } };
  const working = new AbortController();
  const watching = new AbortController();
  const ends: Partial<Record<Resource, number>> = {};
  const watchers = watcherPlans.map(({ name, scope, slow, initial }) =>
    runWatcher({
      name,
      scope,
      slow,
      random: randomFrom(seed, `watcher ${name}`),
      replicas,
      from: initial ? "initial" : start[scope.resource].revision,
      record: (session) => recording.sessions.push(session),
      end: () => ends[scope.resource],
      signal: watching.signal,
    }),
  );
  const workers = Array.from({ length: clients }, (_, number) =>
    runClient({
      number,
      random: randomFrom(seed, `client ${number}`),
      replicas,
      record: (operation) => recording.operations.push(operation),
      signal: working.signal,
    }),
  );
  const breaking = faults
    ? runFaults({
        cluster,
        random: randomFrom(seed, "faults"),
        record: (fault) => recording.faults.push(fault),
        signal: working.signal,
      })
    : Promise.resolve();
  const giveUp = setTimeout(() => working.abort(), seconds * 1000);
  try {
    await breaking;
    await Promise.all(workers);
    for (const resource of resources) {
      recording.end[resource] = await writeLast(replicas, resource);
      ends[resource] = recording.end[resource];
    }
    await nudge(replicas);
    await within(Promise.all(watchers), recoverySeconds);
    return recording;
  } finally {
    clearTimeout(giveUp);
    working.abort();
    watching.abort();
    await Promise.allSettled([...workers, ...watchers, breaking]);
  }
}
const noEnd: Record<Resource, number> = { configmaps: 0, issues: 0 };

interface WatcherPlan {
  name: string;
  scope: Scope;
  slow: boolean;
  initial: boolean;
}

/** Of each resource: everything twice, a namespace, a selection; one of them slow, one from its initial events. */
const watcherPlans: readonly WatcherPlan[] = resources.flatMap((resource) => [
  { name: `${resource}-all`, scope: { resource }, slow: false, initial: false },
  { name: `${resource}-slow`, scope: { resource }, slow: true, initial: false },
  { name: `${resource}-namespace`, scope: { resource, namespace: namespaces[0] }, slow: false, initial: true },
  { name: `${resource}-color`, scope: { resource, color: colors[0] }, slow: false, initial: false },
]);

/** Namespaces, and the state of the world before the run. */
async function prepare(client: HttpClient): Promise<Recording["start"]> {
  for (const name of namespaces) {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await eventually(
      async () => [201, 409].includes((await client.request("POST", "/api/v1/namespaces", { body })).status),
      {
        timeoutSeconds: recoverySeconds,
        description: `namespace ${name}`,
      },
    );
  }
  const start = {} as Recording["start"];
  for (const resource of resources) start[resource] = await listAll(client, resource);
  return start;
}

async function listAll(client: HttpClient, resource: Resource) {
  const { body, status } = await client.request("GET", collectionPath(resource, undefined));
  if (status !== 200) throw new Error(`cannot list ${resource}: ${status} ${JSON.stringify(body)}`);
  const list = body as { metadata: { resourceVersion: string }; items: unknown[] };
  return { revision: revisionOf(list.metadata.resourceVersion), items: list.items.map(seenOf) };
}

/** A write through every replica: each must take one again. Every watcher sees the last. */
async function writeLast(replicas: readonly HttpClient[], resource: Resource): Promise<number> {
  let last = 0;
  for (const [index, client] of replicas.entries()) {
    last = await eventually(
      async () => {
        const key = `${namespaces[0]}/last-${index}-${Math.random().toString(36).slice(2, 10)}`;
        const body = manifest(resource, key, { marks: {}, color: colors[0] });
        const answer = await client.request("POST", collectionPath(resource, namespaces[0]), { body });
        return answer.status === 201 ? seenOf(answer.body).revision : 0;
      },
      {
        timeoutSeconds: recoverySeconds,
        description: `replica ${index} taking a write of ${resource} after everything was whole again`,
      },
    );
  }
  return last;
}

/** Watchers look whether they are at the end when they are told something. */
async function nudge(replicas: readonly HttpClient[]): Promise<void> {
  for (const resource of resources) await writeLast(replicas, resource);
}

async function within(work: Promise<unknown>, seconds: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, seconds * 1000); // the checker says who did not come to the end
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}

/** Figures of a recording, for people. */
export function summary({ operations, sessions, faults }: Recording): string {
  const count = (outcome: string) => operations.filter((operation) => operation.outcome === outcome).length;
  const events = sessions.reduce((sum: number, { told }: Session) => sum + told.length, 0);
  const broken = faults.filter(({ what }) => !what.endsWith(": over")).length;
  return (
    `${operations.length} requests (${count("ok")} ok, ${count("refused")} refused, ${count("unknown")} unknown), ` +
    `${events} events in ${sessions.length} watch sessions, ${broken} faults, ${keys.length * resources.length} objects`
  );
}
