IMPORTS

/** What a reader saw, and the newest revision that had been answered to a writer before the read began. */
type Observation = { before: bigint } & (
  | { list: string[]; revision: bigint }
  | { key: ObjectKey; object: bigint | undefined }
);

/**
 * Writers choose at random what to do on which replica, readers get and list, watchers on each replica follow. Afterwards
 * the watchers must agree on one unbroken history, each list must be the state at its revision, and each read must be at
 * least as new as what had been answered when it began.
 */
async function randomHistory(stores: readonly Store[], seed: number): Promise<void> {
  const random = randomFrom(seed);
  const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)] as T;
  const { revision } = await (stores[0] as Store).create(at("first"), encode(at("first")));
  const isLast = (event: WatchEvent) => event.type !== "BOOKMARK" && event.object.key.name === "last";
  const seen = stores.map((store) => readWatch(store, { fromRevision: revision }, (events) => events.some(isLast)));
  const objectNames = ["a", "b", "c", "d"];
  const expectedFailures = ["AlreadyExists", "NotFound", "Conflict"];
  let answered = revision;
  let writing = true;

  const writers = Array.from({ length: 8 }, async () => {
    for (let step = 0; step < 40; step++) {
      const key = at(pick(objectNames));
      const store = pick(stores);
      const act = pick<() => Promise<{ revision: bigint }>>([
        () => store.create(key, encode(key, { text: String(step) })),
        async () => (await store.update(key, {}, replaceBy({ text: String(step) }))).object,
        async () =>
          (await store.update(key, { expectedRevision: parseRevision(String(step)) }, replaceBy({ text: "guess" })))
            .object,
        () => store.delete(key),
      ]);
      const written = await act().catch((error: { reason?: string }) => {
        if (!expectedFailures.includes(error.reason ?? "")) throw error;
        return undefined;
      });
      if (written && written.revision > answered) answered = written.revision;
    }
  });
  const observations: Observation[] = [];
  const readers = Array.from({ length: 4 }, async () => {
    while (writing) {
      const store = pick(stores);
      const before = answered;
      if (random() < 0.5) {
        const key = at(pick(objectNames));
        observations.push({ before, key, object: (await store.get(key))?.revision });
      } else {
        const page = await store.list({ group, resource });
        observations.push({ before, revision: page.revision, list: page.items.map(nameAndRevision) });
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  await Promise.all(writers);
  await (stores[0] as Store).create(at("last"), encode(at("last")));
  const histories = await Promise.all(seen);
  writing = false;
  await Promise.all(readers);

  const [first] = histories as [WatchEvent[]];
  for (const history of histories) {
    const revisions = history.map((event) => event.revision);
    const unbroken = revisions.map((_, index) => revision + BigInt(index + 1));
    expect({ seed, revisions }).toEqual({ seed, revisions: unbroken });
    expect({ seed, history: history.map(shown) }).toEqual({ seed, history: first.map(shown) });
  }
  checkObservations(observations, stateReplay(revision, first), seed);
  for (const store of stores) {
    const listed = await readAllPages(store, { limit: 2 });
    expect({ seed, listed }).toEqual({ seed, listed: stateReplay(revision, first)(first.at(-1)?.revision ?? 0n).list });
  }
}

const nameAndRevision = ({ key, revision }: StoredObject) => `${key.name}@${revision}`;

/** The state at any revision, from the events of a watcher. */
function stateReplay(start: bigint, events: readonly WatchEvent[]) {
  return (revision: bigint): { list: string[]; objects: Map<string, bigint> } => {
    const objects = new Map<string, bigint>([["first", start]]);
    for (const event of events) {
      if (event.revision > revision || event.type === "BOOKMARK") break;
      if (event.type === "DELETED") objects.delete(event.object.key.name);
      else objects.set(event.object.key.name, event.revision);
    }
    return { list: [...objects].map(([name, at]) => `${name}@${at}`).sort(), objects };
  };
}

function checkObservations(
  observations: readonly Observation[],
  stateAt: ReturnType<typeof stateReplay>,
  seed: number,
): void {
  const newest = observations.reduce((max, each) => later(max, "list" in each ? each.revision : each.before), 0n);
  for (const seen of observations) {
    if ("list" in seen) {
      expect({ seed, fresh: seen.revision >= seen.before }).toEqual({ seed, fresh: true });
      expect({ seed, ...seen }).toEqual({ seed, ...seen, list: stateAt(seen.revision).list });
      continue;
    }
    const possible = new Set<bigint | undefined>();
    for (let at = seen.before; at <= newest + 1n; at++) possible.add(stateAt(at).objects.get(seen.key.name));
    expect({ seed, ...seen, possible: possible.has(seen.object) }).toEqual({ seed, ...seen, possible: true });
  }
}
