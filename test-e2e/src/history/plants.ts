/** Faults planted into a recording of a correct server: each is one way a server could break its promises, told exactly as clients would have seen it. */
import type { Random } from "./random.ts";
import { type Get, isWrite, type List, type Recording, type Session, type Told, type Write } from "./record.ts";

export interface Plant {
  /** What a server would do that has this fault. */
  name: string;
  /** Kinds of violation, one of which must be reported. */
  kinds: readonly string[];
  /** Changes the recording; false when it has no place for this fault. */
  plant(recording: Recording, random: Random): boolean;
}

/** Sessions that had been told something before and after the event. */
function innerEvent(recording: Recording, random: Random, wanted: (told: Told) => boolean = () => true) {
  const places = recording.sessions.flatMap((session) =>
    session.from === "initial"
      ? []
      : session.told.flatMap((told, index) => {
          const next = session.told[index + 1];
          const isInner = told.type !== "BOOKMARK" && next !== undefined && next.type !== "BOOKMARK" && index > 0;
          return isInner && wanted(told) ? [{ session, index, told, next }] : [];
        }),
  );
  return places.length === 0 ? undefined : random.pick(places);
}

const answered = (recording: Recording): Write[] =>
  recording.operations.filter((each): each is Write => isWrite(each) && each.outcome === "ok");

function pickOf<T>(random: Random, choices: readonly T[], change: (choice: T) => void): boolean {
  if (choices.length === 0) return false;
  change(random.pick(choices));
  return true;
}

/** The write of the same object that was answered last before the get began, and the one before it. */
function writesBefore(recording: Recording, { resource, key, invoked }: Get): Write[] {
  return answered(recording)
    .filter((write) => write.resource === resource && write.key === key && (write.completed ?? invoked) < invoked)
    .toSorted((a, b) => (a.object?.revision ?? 0) - (b.object?.revision ?? 0));
}

/** A deletion under way while the get was, which would make it right to find nothing. */
function mayBeDeletedBy(recording: Recording, { resource, key, object, completed = 0 }: Get): boolean {
  return recording.operations.some(
    (each) =>
      each.verb === "delete" &&
      each.resource === resource &&
      each.key === key &&
      each.expected === object?.revision &&
      each.invoked <= completed,
  );
}

/** Every account of one revision, wherever it was told. */
function forget(recording: Recording, revision: number): void {
  for (const session of recording.sessions)
    session.told = session.told.filter((told) => told.type === "BOOKMARK" || told.object.revision !== revision);
}

export const plants: readonly Plant[] = [
  {
    name: "a watch leaves out an event",
    kinds: ["gap"],
    plant(recording, random) {
      const place = innerEvent(recording, random);
      place?.session.told.splice(place.index, 1);
      return place !== undefined;
    },
  },
  {
    name: "a watch tells an event twice",
    kinds: ["duplicate"],
    plant(recording, random) {
      const place = innerEvent(recording, random);
      place?.session.told.splice(place.index, 0, place.told);
      return place !== undefined;
    },
  },
  {
    name: "a watch swaps two events",
    kinds: ["gap", "reordered"],
    plant(recording, random) {
      const place = innerEvent(recording, random);
      place?.session.told.splice(place.index, 2, place.next, place.told);
      return place !== undefined;
    },
  },
  {
    name: "a watch that resumes leaves out what happened meanwhile",
    kinds: ["gap", "unknown event"],
    plant(recording, random) {
      const resumed = recording.sessions.filter(
        ({ from, told, id }) => from !== "initial" && told.length > 2 && !id.endsWith(".1"),
      );
      return pickOf(random, resumed, (session) => session.told.shift());
    },
  },
  {
    name: "a watch with a selector says MODIFIED where an object enters",
    kinds: ["wrong event"],
    plant(recording, random) {
      const entered = recording.sessions
        .filter(({ scope, from }) => scope.color !== undefined && from !== "initial")
        .flatMap(({ told }) => told.filter((each): each is Told => each.type === "ADDED"));
      return pickOf(random, entered, (told) => {
        told.type = "MODIFIED";
      });
    },
  },
  {
    name: "a bookmark comes too early",
    kinds: ["gap"],
    plant(recording, random) {
      const place = innerEvent(recording, random);
      if (place === undefined) return false;
      const { revision } = place.next.object;
      place.session.told.splice(place.index, 0, {
        type: "BOOKMARK",
        at: place.told.at,
        revision,
        initialEventsEnd: false,
      });
      return true;
    },
  },
  {
    name: "a watch ends for ever before the end",
    kinds: ["stuck"],
    plant(recording, random) {
      const { watcher } = random.pick(recording.sessions);
      const own = recording.sessions.filter((session) => session.watcher === watcher);
      const last = own.findLast(({ told }) => told.length > 1) as Session;
      last.told.splice(1);
      recording.sessions = recording.sessions.filter(
        (each) => each.watcher !== watcher || own.indexOf(each) <= own.indexOf(last),
      );
      return true;
    },
  },
  {
    name: "a get is answered from a stale copy",
    kinds: ["stale read"],
    plant(recording, random) {
      const gets = recording.operations.filter((each): each is Get => each.verb === "get" && each.object !== undefined);
      const stale = gets.flatMap((get) => {
        const [older, newer] = writesBefore(recording, get)
          .filter(({ object }) => object !== undefined)
          .slice(-2);
        return older?.object && newer ? [{ get, object: older.object }] : [];
      });
      return pickOf(random, stale, ({ get, object }) => {
        get.object = object;
      });
    },
  },
  {
    name: "a get does not find what was just created",
    kinds: ["stale read", "not linearizable"],
    plant(recording, random) {
      const gets = recording.operations.filter((each): each is Get => {
        if (each.verb !== "get" || each.object === undefined) return false;
        const last = writesBefore(recording, each).at(-1);
        return last?.object?.revision === each.object.revision && !mayBeDeletedBy(recording, each);
      });
      return pickOf(random, gets, (get) => {
        get.object = undefined;
        get.status = 404;
      });
    },
  },
  {
    name: "a list is answered from a stale copy",
    kinds: ["stale read"],
    plant(recording, random) {
      const lists = recording.operations
        .filter((each): each is List => each.verb === "list" && each.outcome === "ok" && each.resourceVersion === "")
        .toSorted((a, b) => a.invoked - b.invoked);
      const pairs = lists.flatMap((list) => {
        const old = lists.find(
          (each) =>
            JSON.stringify(each.scope) === JSON.stringify(list.scope) &&
            (each.completed ?? 0) < list.invoked &&
            answered(recording).some(
              ({ completed = 0, object, invoked }) =>
                object &&
                object.revision > (each.revisions[0] ?? 0) &&
                invoked > (each.completed ?? 0) &&
                completed < list.invoked,
            ),
        );
        return old ? [{ list, old }] : [];
      });
      return pickOf(random, pairs, ({ list, old }) => {
        list.items = old.items;
        list.revisions = old.revisions;
      });
    },
  },
  {
    name: "a list misses an object",
    kinds: ["torn list"],
    plant(recording, random) {
      const lists = recording.operations.filter(
        (each): each is List => each.verb === "list" && each.outcome === "ok" && each.items.length > 1,
      );
      return pickOf(random, lists, (list) => list.items.splice(random.below(list.items.length), 1));
    },
  },
  {
    name: "the pages of a list are of two states",
    kinds: ["torn list"],
    plant(recording, random) {
      const paged = recording.operations.filter(
        (each): each is List => each.verb === "list" && each.outcome === "ok" && each.revisions.length > 1,
      );
      return pickOf(random, paged, (list) => {
        list.revisions[list.revisions.length - 1] = (list.revisions[0] as number) + 1;
      });
    },
  },
  {
    name: "an answered write is lost",
    kinds: ["lost write", "contradiction", "gap", "impossible event", "lost update"],
    plant(recording, random) {
      const deleted = answered(recording).filter(({ verb, outcome }) => verb === "delete" && outcome === "ok");
      const told = recording.sessions.flatMap(({ told }) =>
        told.filter((each): each is Told => each.type === "DELETED"),
      );
      return pickOf(random, deleted, (write) => {
        const event = told.find(
          ({ object }) =>
            object.key === write.key &&
            object.state.marks["op"] !== undefined &&
            object.revision > (write.expected ?? 0),
        );
        forget(recording, event?.object.revision ?? 0);
      });
    },
  },
  {
    name: "two updates of one revision both succeed",
    kinds: ["lost update", "not linearizable", "impossible event", "contradiction", "lost write"],
    plant(recording, random) {
      const refused = recording.operations.filter(
        (each): each is Write => isWrite(each) && each.verb === "delete" && each.reason === "Conflict",
      );
      return pickOf(random, refused, (write) => {
        write.outcome = "ok";
        write.status = 200;
      });
    },
  },
  {
    name: "an update is refused but happens all the same",
    kinds: ["refused but written"],
    plant(recording, random) {
      return pickOf(
        random,
        answered(recording).filter(({ object }) => object !== undefined),
        (write) => {
          write.outcome = "refused";
          write.status = 503;
          write.object = undefined;
        },
      );
    },
  },
  {
    name: "a patch forgets what another wrote",
    kinds: ["lost update", "contradiction"],
    plant(recording, random) {
      const patches = answered(recording).filter(
        ({ verb, object }) => verb === "patch" && object && Object.keys(object.state.marks).length > 2,
      );
      return pickOf(random, patches, ({ object, sets }) => {
        if (!object) return;
        const { revision } = object;
        object.state = { ...object.state, marks: sets.marks };
        for (const { told } of recording.sessions)
          for (const each of told)
            if (each.type !== "BOOKMARK" && each.object.revision === revision && each.type !== "DELETED")
              each.object.state = object.state;
      });
    },
  },
  {
    name: "a write gets a revision lower than one that was over",
    kinds: ["not linearizable", "stale read"],
    plant(recording, random) {
      return pickOf(
        random,
        answered(recording).filter(({ object }) => object !== undefined),
        (write) => {
          write.invoked += 60_000;
          write.completed = (write.completed ?? 0) + 60_000;
        },
      );
    },
  },
];
