import { type ListSource, listStream } from "../list.ts";
import type { StorageObserver } from "../observer.ts";
import type { StoredRow } from "../row.ts";
import type { ObjectKey, Scope } from "../store.ts";
import { type Condition, compileSelector } from "../tags.ts";
import { compactedRevision, type WatchSource } from "../watch.ts";
import { ObjectLoader } from "./object-loader.ts";
import type { Replica } from "./replica.ts";
import type { ResourceIds } from "./resource-ids.ts";
import { rowCursor } from "./row-cursor.ts";
import type { Sessions } from "./sessions.ts";
import { countObjects } from "./sql/count-objects.ts";
import { isFull } from "./sql/read-bytes.ts";
import { readLogOf } from "./sql/read-log.ts";

/** Reads one object at a time. */
export interface ObjectReads {
  /** As new as the newest commit of any replica. */
  fresh(key: ObjectKey): Promise<StoredRow | undefined>;
  /** From memory where possible: right, but perhaps of a moment ago. */
  remembered(key: ObjectKey): Promise<StoredRow | undefined>;
}

export function createObjectReads(
  replica: Replica,
  sessions: Sessions,
  ids: ResourceIds,
  observer: StorageObserver,
): ObjectReads {
  const { heads, follower, objects, resources } = replica;
  const inMemory = (key: ObjectKey): { known: boolean; row?: StoredRow | undefined } => {
    const whole = resources.get(key);
    if (whole.known) return whole;
    const row = objects.get(key);
    return { known: row !== undefined, row };
  };
  const loader = new ObjectLoader(sessions.reader);
  async function load(key: ObjectKey): Promise<StoredRow | undefined> {
    const id = await ids.find(key);
    observer.read({ operation: "get", source: "database" });
    return id === undefined ? undefined : objects.load(key, () => loader.get(id, key));
  }
  return {
    async fresh(key) {
      if (inMemory(key).known) {
        await follower.reach((await heads.read()).revision);
        const now = inMemory(key);
        if (now.known) {
          observer.read({ operation: "get", source: "memory" });
          return now.row;
        }
      }
      return load(key);
    },
    async remembered(key) {
      const found = inMemory(key);
      return found.known ? found.row : load(key);
    },
  };
}

/** A list waits so long for the resource to be in memory; then it reads the database itself. */
const maxLoadWaitMilliseconds = 2_000;

async function settledWithin(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds).unref();
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

export interface ScopeReadsOptions {
  bookmarkIntervalMilliseconds: number;
  closing: AbortSignal;
  observer: StorageObserver;
}

/** Reads lists and history. */
export function createScopeReads(
  replica: Replica,
  sessions: Sessions,
  ids: ResourceIds,
  { observer, ...options }: ScopeReadsOptions,
): ListSource & WatchSource {
  const { window, heads, follower, resources } = replica;
  const { reader } = sessions;
  const conditionsOf = async (scope: Scope): Promise<readonly Condition[]> =>
    scope.selector ? compileSelector(await ids.ensure(scope), scope.selector) : [];
  const source: ListSource & WatchSource = {
    ...options,
    window,
    head: () => heads.read(),
    conditions: conditionsOf,
    cursor(scope, from) {
      observer.read({ operation: "list", source: "database" });
      return rowCursor({ sessions, ids }, scope, from);
    },
    async remembered(scope, { notBefore, ...page }) {
      const conditions = await conditionsOf(scope);
      await follower.reach(notBefore);
      let found = resources.list(scope, { ...page, conditions });
      const loading = found ? undefined : resources.loading(scope);
      if (loading) {
        await settledWithin(loading, maxLoadWaitMilliseconds);
        found = resources.list(scope, { ...page, conditions });
      }
      if (found) observer.read({ operation: "list", source: "memory" });
      return found;
    },
    async count(scope) {
      const id = await ids.find(scope);
      return id === undefined ? 0 : countObjects(reader, id, scope.namespace);
    },
    listStream: (listOptions) => listStream(source, listOptions),
    async history(scope, after, upTo, limit) {
      const resourceId = await ids.find(scope);
      if (resourceId === undefined) return { events: [], position: upTo };
      const range = { after, upTo, resourceId, namespace: scope.namespace, limit };
      const events = await readLogOf(reader, (id) => ids.name(id), range);
      const { compacted } = await heads.read();
      if (after < compacted) throw compactedRevision(after, compacted);
      const isAll = events.length < limit && !isFull(events.map(({ row }) => row));
      return { events, position: isAll ? upTo : (events.at(-1)?.revision ?? upTo) };
    },
  };
  return source;
}
