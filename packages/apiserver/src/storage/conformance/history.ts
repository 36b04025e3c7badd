import { expect, test } from "@jest/globals";
import { parseRevision } from "../list.ts";
import { later } from "../revision.ts";
import type { ObjectKey, Store, StoredObject, WatchEvent } from "../store.ts";
import {
  at,
  encode,
  group,
  randomFrom,
  readAllPages,
  readWatch,
  replaceBy,
  resource,
  shown,
  untilReady,
  type World,
} from "./fixtures.ts";

/** Random runs, checked against the one history they must have had. `KRATE_TEST_SEED` repeats the choices of a run. */
export function historyTests(world: World, { replicas }: { replicas: 1 | 2 }): void {
  const stores = async () => [
    world.store,
    replicas === 2 ? await world.harness.open({ windowMaxEvents: 50 }) : world.store,
  ];

  test("random writes of a crowd give every watcher the same unbroken history, and every reader a state of it", async () => {
    await checkRun(await runAtRandom(await stores(), { seed: newSeed() }));
  });

  if (replicas === 1) return;
  test("the same while the database crashes again and again; what was answered is kept", async () => {
    const disturb = async () => {
      for (let crash = 0; crash < 3; crash++) await world.harness.database?.restart("crash");
    };
    await checkRun(await runAtRandom(await stores(), { seed: newSeed(), disturb }));
  });
}

function newSeed(): number {
  const seed = Number(process.env["KRATE_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.info(`KRATE_TEST_SEED=${seed}`);
  return seed;
}

/** What a reader saw, and the newest revision that had been answered to a writer before the read began. */
type Observation = { before: bigint } & (
  | { list: string[]; revision: bigint }
  | { key: ObjectKey; object: bigint | undefined }
);

interface Run {
  seed: number;
  stores: readonly Store[];
  /** The revision before the run. */
  start: bigint;
  /** Writes that were answered: the event each must have caused. */
  answered: string[];
  observations: Observation[];
  /** What the watcher of each replica saw. */
  histories: WatchEvent[][];
}

interface RunOptions {
  seed: number;
  /** Goes on beside the writers; they then take an unavailable database for an answer and try again. */
  disturb?: () => Promise<void>;
}

/** Writers choose at random what to do on which replica, readers get and list, watchers on each replica follow. */
async function runAtRandom(stores: readonly Store[], { seed, disturb }: RunOptions): Promise<Run> {
  const random = randomFrom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const [store] = stores as [Store];
  const { revision: start } = await store.create(at("first"), encode(at("first")));
  const isLast = (event: WatchEvent) => event.type !== "BOOKMARK" && event.object.key.name === "last";
  let begun = 0;
  const watching = stores.map((each) =>
    readWatch(each, { fromRevision: start }, (events) => {
      if (events.length === 1) begun++;
      return isLast(events.at(-1) as WatchEvent);
    }),
  );
  const expected = ["AlreadyExists", "NotFound", "Conflict", ...(disturb ? ["ServiceUnavailable", "Timeout"] : [])];
  const forgive = (error: Error & { reason?: string }) => {
    if (!expected.includes(error.reason ?? "")) throw error;
    return undefined;
  };
  const names = ["a", "b", "c", "d"];
  const answered: string[] = [];
  let newest = start;
  let disturbed = disturb !== undefined;
  let writing = true;

  async function write(step: number): Promise<void> {
    const key = at(pick(names));
    const via = pick(stores);
    const text = { text: String(step) };
    const act = pick<() => Promise<[type: string, object: StoredObject]>>([
      async () => ["ADDED", await via.create(key, encode(key, text))],
      async () => ["MODIFIED", (await via.update(key, {}, replaceBy(text))).object],
      async () => [
        "MODIFIED",
        (await via.update(key, { expectedRevision: parseRevision(String(step)) }, replaceBy(text))).object,
      ],
      async () => ["DELETED", await via.delete(key)],
    ]);
    const done = await act().catch(forgive);
    if (!done) return;
    const [type, object] = done;
    answered.push(`${type} ${key.name} ${object.revision}`);
    newest = later(newest, object.revision);
  }
  const writers = Array.from({ length: 8 }, async () => {
    for (let step = 0; step < 40 || disturbed; step++) {
      await write(step);
      if (disturbed) await nextTurn();
    }
  });

  const observations: Observation[] = [];
  async function read(): Promise<void> {
    const via = pick(stores);
    const before = newest;
    if (random() < 0.5) {
      const key = at(pick(names));
      observations.push({ before, key, object: (await via.get(key))?.revision });
    } else {
      const page = await via.list({ group, resource });
      observations.push({ before, revision: page.revision, list: page.items.map(nameAndRevision) });
    }
  }
  const readers = Array.from({ length: 4 }, async () => {
    while (writing) {
      await read().catch(forgive);
      await nextTurn();
    }
  });

  try {
    while (begun < stores.length) await nextTurn();
    await disturb?.();
    disturbed = false;
    await Promise.all(writers);
    await Promise.all(stores.map(untilReady));
    await store.create(at("last"), encode(at("last")));
    const histories = await Promise.all(watching);
    writing = false;
    await Promise.all(readers);
    return { seed, stores, start, answered, observations, histories };
  } finally {
    disturbed = false;
    writing = false; // also after a failure, or the loops would never end
    await Promise.allSettled([...writers, ...readers]);
  }
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const nameAndRevision = ({ key, revision }: StoredObject) => `${key.name}@${revision}`;

/**
 * The watchers must agree on one history without a gap; every answered write must be in it; each list must be the state at
 * its revision; each read must be at least as new as what had been answered when it began.
 */
async function checkRun({ seed, stores, start, answered, observations, histories }: Run): Promise<void> {
  const [history] = histories as [WatchEvent[]];
  for (const each of histories) {
    const revisions = each.map((event) => event.revision);
    const unbroken = revisions.map((_, index) => start + BigInt(index + 1));
    expect({ seed, revisions }).toEqual({ seed, revisions: unbroken });
    expect({ seed, history: each.map(shown) }).toEqual({ seed, history: history.map(shown) });
  }
  const happened = new Set(history.map(shown));
  expect({ seed, lost: answered.filter((write) => !happened.has(write)) }).toEqual({ seed, lost: [] });
  expect({ seed, twice: answered.length - new Set(answered).size }).toEqual({ seed, twice: 0 });

  const states = replay(start, history);
  for (const seen of observations)
    expect({ seed, seen, possible: isPossible(seen, states) }).toEqual({ seed, seen, possible: true });
  for (const store of stores) {
    const listed = await readAllPages(store, { limit: 2 });
    expect({ seed, listed }).toEqual({ seed, listed: listOf(states.at(-1)) });
  }
}

type State = { revision: bigint; objects: ReadonlyMap<string, bigint> };

/** The state after each revision, from the events of a watcher. */
function replay(start: bigint, events: readonly WatchEvent[]): State[] {
  const states: State[] = [{ revision: start, objects: new Map([["first", start]]) }];
  for (const event of events) {
    if (event.type === "BOOKMARK") continue;
    const objects = new Map(states.at(-1)?.objects);
    if (event.type === "DELETED") objects.delete(event.object.key.name);
    else objects.set(event.object.key.name, event.revision);
    states.push({ revision: event.revision, objects });
  }
  return states;
}

function listOf(state: State | undefined): string[] {
  return [...(state?.objects ?? [])].map(([name, revision]) => `${name}@${revision}`).sort();
}

function isPossible(seen: Observation, states: readonly State[]): boolean {
  const candidates = states.filter((state) => state.revision >= seen.before);
  if ("key" in seen) return candidates.some((state) => state.objects.get(seen.key.name) === seen.object);
  const state = candidates.find((each) => each.revision === seen.revision);
  return state !== undefined && listOf(state).join() === seen.list.join();
}
