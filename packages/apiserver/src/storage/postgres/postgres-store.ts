import {
  createPool,
  migrate,
  Nudge,
  type Pool,
  type PostgresConnection,
  readMigrations,
  withClient,
} from "@krate/postgres";
import { EventWindow } from "../event-window.ts";
import { type ListSource, listPage, listStream } from "../list.ts";
import { createObject, deleteObject, updateObject, type WriteSource } from "../object-writes.ts";
import { resolveOptions, type StoreOptions } from "../options.ts";
import type { StoredRow } from "../row.ts";
import type { ObjectKey, Scope, Store } from "../store.ts";
import { compileSelector, tagsOf } from "../tags.ts";
import { compactedRevision, type WatchSource, watch } from "../watch.ts";
import { createBlobStore } from "./blobs.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Compactor, defaultRetention, type Retention } from "./compactor.ts";
import { translating } from "./connection.ts";
import { copyRows } from "./copy-rows.ts";
import { HeadReader } from "./head-reader.ts";
import { LogFollower } from "./log-follower.ts";
import { ObjectCache } from "./object-cache.ts";
import { ResourceIds } from "./resource-ids.ts";
import { countObjects } from "./sql/count-objects.ts";
import { getObject } from "./sql/get-object.ts";
import { listRowsSql } from "./sql/list-rows.ts";
import { nextNumber } from "./sql/next-number.ts";
import { readHead } from "./sql/read-head.ts";
import { readLog, readLogOf } from "./sql/read-log.ts";

export interface PostgresStoreOptions extends StoreOptions {
  connection: PostgresConnection;
  retention?: Partial<Retention>;
  /** Sessions at most for gets, for lists and for lists with a selector, each; writes use one, nudges one. @defaultValue 4 */
  maxReadConnections?: number;
}

/**
 * Every statement here finds its rows through an index and few at a time. Without statistics (a young or fast growing table)
 * the planner would rather read and sort the whole table: a page of 500 out of 30,000 took 25 ms instead of 2.
 */
const byIndex = {
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  max_parallel_workers_per_gather: "0",
  jit: "off",
};
/** Without a selector the one good way is along the primary key, in order. */
const byKey = { ...byIndex, enable_bitmapscan: "off" };

/** A lost nudge delays another replica's events by this at most. */
const pollMilliseconds = 1_000;
const eventsPerRead = 500;

/**
 * Opens the store: brings the schema up to date, finds the head, starts following the log. Every process that opens the
 * same database is a replica; all are equal.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { log, ...settings } = resolveOptions(options);
  const { connection, maxReadConnections = 4 } = options;
  const pools: Pool[] = [];
  const pool = (purpose: string, maxConnections: number, settings: Record<string, string> = byIndex): Pool => {
    const made = createPool(connection, {
      applicationName: `krate apiserver ${purpose}`,
      maxConnections,
      log,
      settings,
    });
    pools.push(made);
    return made;
  };
  const writePool = pool("write", 1);
  const listPool = pool("list", maxReadConnections, byKey);
  const selectPool = pool("select", maxReadConnections);
  const readPool = pool("read", maxReadConnections);
  const reader = translating(readPool);

  try {
    const migrations = await readMigrations(new URL("./migrations/", import.meta.url));
    await withClient(writePool, (client) => migrate(client, { component: "storage", migrations, log }));
  } catch (error) {
    await Promise.all(pools.map((each) => each.end()));
    throw error;
  }

  const ids = new ResourceIds(reader);
  const cache = new ObjectCache(settings.cacheMaxBytes);
  const first = await readHead(reader);
  const window = new EventWindow(first.revision, {
    maxEvents: settings.windowMaxEvents,
    maxBytes: settings.windowMaxBytes,
  });
  const names = (id: number) => ids.name(id);
  const follower = new LogFollower({
    window,
    readLog: (after) => readLog(reader, names, { after, limit: eventsPerRead }),
    readHead: () => readHead(reader),
    onEvent: (event) => cache.apply(event),
    onReset: () => cache.clear(),
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
  const nudge = new Nudge({
    connection,
    channel: "krate_log",
    applicationName: "krate apiserver nudge",
    onNudge: look,
    log,
  });
  const queue = new CommitQueue({
    pool: writePool,
    onCommitted(events) {
      follower.committed(events);
      if (events.length > 0) nudge.send();
    },
    log,
  });
  const compactor = new Compactor({
    client: reader,
    readHead: () => heads.read(),
    retention: { ...defaultRetention, ...options.retention },
    now: Date.now,
    log,
  });
  const closing = new AbortController();
  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    clearInterval(poll);
    closing.abort();
    await queue.close();
    await compactor.stop();
    await nudge.close();
    await Promise.all(pools.map((each) => each.end()));
  }

  /** From memory when the object is there and memory is as new as the database, else from the database. */
  async function get(key: ObjectKey): Promise<StoredRow | undefined> {
    if (cache.get(key)) {
      await follower.reach((await heads.read()).revision);
      const row = cache.get(key);
      if (row) return row;
    }
    return load(key);
  }
  async function load(key: ObjectKey): Promise<StoredRow | undefined> {
    const id = await ids.find(key);
    return id === undefined ? undefined : cache.load(key, () => getObject(reader, id, key));
  }

  const writes: WriteSource = {
    current: async (key, { fresh }) => (fresh ? get(key) : (cache.get(key) ?? load(key))),
    tags: async (key, object) => tagsOf(await ids.ensure(key), object),
    commit: async (write) => queue.commit(await ids.ensure(write.key), write),
  };
  const conditions = async (scope: Scope, id: number | undefined) =>
    compileSelector(id ?? (await ids.ensure(scope)), scope.selector);
  const source: ListSource & WatchSource = {
    window,
    closing: closing.signal,
    bookmarkIntervalMilliseconds: settings.bookmarkIntervalMilliseconds,
    head: () => heads.read(),
    conditions: (scope) => (scope.selector ? conditions(scope, undefined) : Promise.resolve([])),
    async rowsAt(scope, { revision, after, limit }) {
      const resourceId = await ids.find(scope);
      if (resourceId === undefined) return [];
      const selected = await conditions(scope, resourceId);
      const range = { resourceId, namespace: scope.namespace, conditions: selected, revision, after, limit };
      return copyRows(selected.length > 0 ? selectPool : listPool, listRowsSql(range), scope);
    },
    async count(scope) {
      const id = await ids.find(scope);
      return id === undefined ? 0 : countObjects(reader, id, scope.namespace);
    },
    listStream: (listOptions) => listStream(source, listOptions),
    async history(scope, after, upTo, limit) {
      const resourceId = await ids.find(scope);
      if (resourceId === undefined) return { events: [], position: upTo };
      const { namespace } = scope;
      const events = await readLogOf(reader, names, { after, upTo, resourceId, namespace, limit });
      const { compacted } = await heads.read();
      if (after < compacted) throw compactedRevision(after, compacted);
      return { events, position: events.length < limit ? upTo : (events.at(-1)?.revision ?? upTo) };
    },
  };

  await nudge.start();
  const poll = setInterval(look, pollMilliseconds).unref();
  compactor.start();

  return {
    create: (key, object) => createObject(writes, key, object),
    get,
    list: (listOptions) => listPage(source, listOptions),
    listStream: source.listStream,
    update: (key, updateOptions, change) => updateObject(writes, key, updateOptions, change),
    delete: (key, deleteOptions) => deleteObject(writes, key, deleteOptions),
    watch: (watchOptions) => watch(source, watchOptions),
    currentRevision: async () => (await heads.read()).revision,
    async compact(revision) {
      await compactor.compact(revision);
      window.dropUpTo((await heads.read()).compacted);
    },
    nextNumber: (scope) => nextNumber(reader, scope),
    ...createBlobStore(readPool, reader, settings.maxBlobBytes),
    async ready() {
      await heads.read();
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}
