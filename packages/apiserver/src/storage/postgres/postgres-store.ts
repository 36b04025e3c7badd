import type { Migration, PostgresConnection } from "@krate/postgres";
import { chunkRowsAfter, firstChunkRows, listPage } from "../list.ts";
import { createObject, deleteObject, updateObject, type WriteSource } from "../object-writes.ts";
import { resolveOptions, type StoreOptions } from "../options.ts";
import type { StoredRow } from "../row.ts";
import type { Scope, Store } from "../store.ts";
import { tagsOf } from "../tags.ts";
import { watch } from "../watch.ts";
import { createBlobStore } from "./blobs.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Compactor, defaultRetention, lastBefore, type Retention } from "./compactor.ts";
import { createObjectReads, createScopeReads } from "./reads.ts";
import { startReplica } from "./replica.ts";
import { ResourceIds } from "./resource-ids.ts";
import { rowCursor } from "./row-cursor.ts";
import { openSessions } from "./sessions.ts";
import { nextNumber } from "./sql/next-number.ts";
import { unchangedObjects } from "./sql/unchanged-objects.ts";

export interface PostgresStoreOptions extends StoreOptions {
  connection: PostgresConnection;
  retention?: Partial<Retention>;
  /** Sessions at most for gets, for lists and for lists with a selector, each; writes, counters and nudges use one each. @defaultValue 4 */
  maxReadConnections?: number;
  /** Compare the schema with what the migrations make, once, in the background. @defaultValue false */
  reportDrift?: boolean;
  /** For tests. @defaultValue those of this program */
  migrations?: readonly Migration[];
}

/** A resource is read into memory so many bytes at a time. */
const loadBytes = 4 * 1024 * 1024;

/**
 * Opens the store: brings the schema up to date, finds the head, starts following the log. Every process that opens the
 * same database is a replica; all are equal.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { log, observer, bookmarkIntervalMilliseconds, maxBlobBytes, ...memory } = resolveOptions(options);
  const { connection, maxReadConnections = 4 } = options;
  const { migrations } = options;
  const sessions = await openSessions({ connection, maxReadConnections, migrations, observer, log });
  const { schema } = sessions;
  const ids = new ResourceIds(sessions.reader);

  async function writable<T>(write: () => Promise<T>): Promise<T> {
    schema.requireWritable();
    return write();
  }
  async function* loadResource(scope: Scope, revision: bigint): AsyncGenerator<readonly StoredRow[]> {
    const texts = new Map<string, string>();
    const shared = (text: string): string => {
      const known = texts.get(text); // most rows have the same few tags
      if (known === undefined) texts.set(text, text);
      return known ?? text;
    };
    const cursor = rowCursor({ sessions, ids }, scope, { revision, after: undefined });
    let count = firstChunkRows;
    let more = true;
    while (more) {
      const chunk = await cursor.next(count);
      more = chunk.more;
      count = chunkRowsAfter(chunk.rows, loadBytes);
      yield chunk.rows.map((row) => ({ ...row, tags: row.tags.map(shared) }));
    }
  }

  const replica = await startReplica({ ...memory, sessions, ids, connection, loadResource, observer, log }).catch(
    async (error) => {
      await sessions.end();
      throw error;
    },
  );
  const { window, heads } = replica;
  const queue = new CommitQueue({ pool: sessions.write, onCommitted: (events) => replica.committed(events), observer });
  const compactor = new Compactor({
    client: sessions.reader,
    readHead: () => writable(() => heads.read()),
    retention: { ...defaultRetention, ...options.retention },
    now: Date.now,
    log,
  });
  compactor.start();
  const reporting = options.reportDrift === true ? schema.reportDrift() : undefined;

  const closing = new AbortController();
  const reads = createObjectReads(replica, sessions, ids, observer);
  const scopes = createScopeReads(replica, sessions, ids, {
    bookmarkIntervalMilliseconds,
    closing: closing.signal,
    observer,
  });
  const writes: WriteSource = {
    current: (key, { fresh }) => (fresh ? reads.fresh(key) : reads.remembered(key)),
    tags: async (key, object) => tagsOf(await ids.ensure(key), object),
    commit: (write) => writable(async () => queue.commit(await ids.ensure(write.key), write)),
  };

  async function close(): Promise<void> {
    closing.abort();
    await queue.close();
    await compactor.stop();
    await replica.close();
    await reporting;
    await sessions.end();
  }
  let closed: Promise<void> | undefined;
  const blobs = createBlobStore(sessions.read, sessions.reader, maxBlobBytes);

  return {
    create: (key, object) => createObject(writes, key, object),
    get: (key) => reads.fresh(key),
    list: (listOptions) => listPage(scopes, listOptions),
    listStream: (listOptions) => scopes.listStream(listOptions),
    update: (key, updateOptions, change) => updateObject(writes, key, updateOptions, change),
    delete: (key, deleteOptions) => deleteObject(writes, key, deleteOptions),
    watch: (watchOptions) => watch(scopes, watchOptions),
    async unchangedSince({ group, resource, namespace }, time, limit) {
      const id = await ids.find({ group, resource });
      if (id === undefined) return [];
      const { revision: upTo } = await heads.read();
      const revision = await lastBefore(sessions.reader, time, { after: 0n, upTo });
      return unchangedObjects(sessions.reader, { id, group, resource }, { namespace, revision, limit });
    },
    currentRevision: async () => (await heads.read()).revision,
    async compact(revision) {
      schema.requireWritable();
      await compactor.compact(revision);
      window.dropUpTo((await heads.read()).compacted);
    },
    nextNumber: (scope, count = 1) => writable(() => nextNumber(sessions.counter, scope, count)),
    ...blobs,
    putBlob: (scope, bytes) => writable(() => blobs.putBlob(scope, bytes)),
    appendBlob: (scope, bytes, options) => writable(() => blobs.appendBlob(scope, bytes, options)),
    deleteBlob: (scope) => writable(() => blobs.deleteBlob(scope)),
    async ready() {
      await heads.read();
      schema.requireWritable();
    },
    close() {
      closed ??= close();
      return closed;
    },
  };
}
