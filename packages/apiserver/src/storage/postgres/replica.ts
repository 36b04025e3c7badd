import { type Log, Nudge, type PostgresConnection } from "@krate/postgres";
import { EventWindow } from "../event-window.ts";
import type { LogEvent } from "../log-event.ts";
import type { StorageObserver } from "../observer.ts";
import type { StoredRow } from "../row.ts";
import type { Scope } from "../store.ts";
import { HeadReader } from "./head-reader.ts";
import { LogFollower } from "./log-follower.ts";
import { ObjectCache } from "./object-cache.ts";
import { ResourceCache } from "./resource-cache.ts";
import type { ResourceIds } from "./resource-ids.ts";
import type { Sessions } from "./sessions.ts";
import { readHead } from "./sql/read-head.ts";
import { readLog } from "./sql/read-log.ts";

/** A lost nudge delays another replica's events by this at most. */
const pollMilliseconds = 1_000;
const eventsPerRead = 500;
/** Of the memory for objects, the share for single ones; the rest is for whole resources. */
const objectShare = 0.4;

export interface ReplicaOptions {
  sessions: Sessions;
  ids: ResourceIds;
  connection: PostgresConnection;
  windowMaxEvents: number;
  windowMaxBytes: number;
  cacheMaxBytes: number;
  /** All rows of a resource at a revision. */
  loadResource: (scope: Scope, revision: bigint) => AsyncIterable<readonly StoredRow[]>;
  observer: StorageObserver;
  log: Log;
}

/** What this replica knows of the log, in memory, and how it stays informed. */
export interface Replica {
  window: EventWindow;
  heads: HeadReader;
  follower: LogFollower;
  objects: ObjectCache;
  resources: ResourceCache;
  /** This replica's own commits. */
  committed(events: readonly LogEvent[]): void;
  close(): Promise<void>;
}

export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { sessions, ids, connection, windowMaxEvents, windowMaxBytes, cacheMaxBytes, observer, log } = options;
  const { reader } = sessions;
  const { revision } = await readHead(reader);
  const window = new EventWindow(revision, { maxEvents: windowMaxEvents, maxBytes: windowMaxBytes });
  const objects = new ObjectCache(cacheMaxBytes * objectShare);
  const resources = new ResourceCache({
    maxBytes: cacheMaxBytes * (1 - objectShare),
    tail: () => window.tail,
    load: options.loadResource,
    now: Date.now,
    log,
  });
  const follower = new LogFollower({
    window,
    readLog: (after) => readLog(reader, (id) => ids.name(id), { after, limit: eventsPerRead }),
    readHead: () => readHead(reader),
    onEvent(event) {
      if (resources.apply(event)) objects.forget(event.row.key);
      else objects.apply(event);
    },
    onReset() {
      ids.forget();
      resources.clear();
      objects.clear();
    },
    log,
  });
  const heads = new HeadReader(
    reader,
    () => follower.tail,
    (head, tailBefore) => follower.sawHead(head, tailBefore),
  );
  const look = () => {
    heads.read().catch((error: unknown) => log.debug({ err: error }, "could not look for news; trying again soon"));
  };
  const applicationName = "krate apiserver nudge";
  const nudge = new Nudge({ connection, channel: "krate_log", applicationName, onNudge: look, log });
  await nudge.start();
  const poll = setInterval(() => {
    look();
    observer.state({ revision: window.tail, cacheBytes: objects.bytes + resources.bytes, watchEvents: window.size });
  }, pollMilliseconds).unref();
  return {
    window,
    heads,
    follower,
    objects,
    resources,
    committed(events) {
      follower.committed(events);
      if (events.length > 0) nudge.send();
    },
    async close() {
      clearInterval(poll);
      await nudge.close();
    },
  };
}
