import { conflict, notFound, tooLarge } from "@krate/kinds";
import { EventWindow } from "../event-window.ts";
import { type ListSource, listPage, listStream } from "../list.ts";
import type { ChangeType } from "../log-event.ts";
import {
  createObject,
  deleteObject,
  eventOfWrite,
  updateObject,
  type Write,
  type WriteSource,
} from "../object-writes.ts";
import { resolveOptions, type StoreOptions } from "../options.ts";
import { earlier } from "../revision.ts";
import { compareKeys, type StoredRow, storedRow } from "../row.ts";
import type { Scope, Store } from "../store.ts";
import { compileSelector, matches, tagsOf } from "../tags.ts";
import { compactedRevision, type WatchSource, watch } from "../watch.ts";

interface Version {
  row: StoredRow;
  change: ChangeType;
  writtenAt: number;
}

/**
 * The store of pipeline unit tests: same promises, one process, gone at the end. History is kept until it is compacted;
 * reading is a scan, so keep it to some thousand objects.
 */
export function createMemoryStore(options: StoreOptions = {}): Store {
  const { bookmarkIntervalMilliseconds, maxBlobBytes } = resolveOptions(options);
  /** All versions of each object, oldest first. */
  const versions = new Map<string, Version[]>();
  const resourceIds = new Map<string, number>();
  const counters = new Map<string, number>();
  const blobs = new Map<string, Buffer>();
  const window = new EventWindow(0n, { maxEvents: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY });
  const closing = new AbortController();
  let compacted = 0n;

  const idOf = ({ group, resource }: { group: string; resource: string }): number => {
    const name = `${group}/${resource}`;
    const id = resourceIds.get(name) ?? resourceIds.size + 1;
    resourceIds.set(name, id);
    return id;
  };
  const textOf = (key: StoredRow["key"]) => [key.group, key.resource, key.namespace, key.name].join("/");
  const versionAt = (history: readonly Version[], revision: bigint): StoredRow | undefined => {
    const version = history.findLast((each) => each.row.revision <= revision);
    return version?.change === "deleted" ? undefined : version?.row;
  };
  const rowsOf = (scope: Scope, revision: bigint): StoredRow[] => {
    const conditions = compileSelector(idOf(scope), scope.selector);
    return [...versions.values()]
      .map((history) => versionAt(history, revision))
      .filter((row) => row !== undefined)
      .filter(({ key }) => key.group === scope.group && key.resource === scope.resource)
      .filter(({ key }) => scope.namespace === undefined || key.namespace === scope.namespace)
      .filter((row) => matches(conditions, row.key, row.tags))
      .sort((a, b) => compareKeys(a.key, b.key));
  };

  const writes: WriteSource = {
    current: async (key) => versionAt(versions.get(textOf(key)) ?? [], window.tail),
    tags: async (key, object) => tagsOf(idOf(key), object),
    async commit(write: Write) {
      const { key, change, bytes, tags } = write;
      const history = versions.get(textOf(key)) ?? [];
      const current = versionAt(history, window.tail)?.revision ?? 0n;
      if (current !== (write.previous?.revision ?? 0n)) return { done: false, current };
      const row = storedRow(key, bytes, window.tail + 1n, tags);
      versions.set(textOf(key), [...history, { row, change, writtenAt: Date.now() }]);
      window.publish(eventOfWrite(write, row));
      return { done: true, row };
    },
  };

  const source: ListSource & WatchSource = {
    window,
    bookmarkIntervalMilliseconds,
    closing: closing.signal,
    head: async () => ({ revision: window.tail, compacted }),
    conditions: async (scope) => compileSelector(idOf(scope), scope.selector),
    cursor(scope, { revision, after }) {
      const rows = rowsOf(scope, revision);
      const left = after ? rows.filter((row) => compareKeys(row.key, after) > 0) : rows;
      return { next: async (count) => ({ rows: left.splice(0, count), more: left.length > 0 }) };
    },
    count: async (scope) => rowsOf({ ...scope, selector: undefined }, window.tail).length,
    listStream: (listOptions) => listStream(source, listOptions),
    history: async (_scope, after) => {
      throw compactedRevision(after, compacted); // the window holds all that is not compacted
    },
  };

  const putBlob = (scope: string, bytes: Buffer) => {
    if (bytes.length > maxBlobBytes) throw tooLarge(maxBlobBytes);
    blobs.set(scope, bytes);
    return { sizeBytes: bytes.length };
  };

  return {
    create: (key, object) => createObject(writes, key, object),
    get: (key) => writes.current(key, { fresh: true }),
    list: (listOptions) => listPage(source, listOptions),
    listStream: source.listStream,
    update: (key, updateOptions, change) => updateObject(writes, key, updateOptions, change),
    delete: (key, deleteOptions) => deleteObject(writes, key, deleteOptions),
    watch: (watchOptions) => watch(source, watchOptions),
    async unchangedSince(scope, time, limit) {
      const old = ({ key }: StoredRow) => (versions.get(textOf(key))?.at(-1)?.writtenAt ?? 0) < time.getTime();
      return rowsOf({ ...scope, selector: undefined }, window.tail)
        .filter(old)
        .slice(0, limit)
        .map(({ key }) => key);
    },
    currentRevision: async () => window.tail,
    async compact(revision) {
      const upTo = earlier(revision, window.tail);
      if (upTo <= compacted) return;
      compacted = upTo;
      window.dropUpTo(upTo);
      for (const [text, history] of versions) {
        const first = history.findLastIndex((version) => version.row.revision <= upTo);
        const kept = history
          .slice(Math.max(first, 0))
          .filter((each) => each.change !== "deleted" || each.row.revision > upTo);
        if (kept.length === 0) versions.delete(text);
        else versions.set(text, kept);
      }
    },
    async nextNumber(scope, count = 1) {
      const first = (counters.get(scope) ?? 0) + 1;
      counters.set(scope, first + count - 1);
      return first;
    },
    putBlob: async (scope, bytes) => putBlob(scope, Buffer.from(bytes)),
    async appendBlob(scope, bytes, { offset } = {}) {
      const old = blobs.get(scope) ?? Buffer.alloc(0);
      if (offset !== undefined && offset !== old.length) {
        throw conflict({ plural: "blobs", name: scope }, `it has ${old.length} bytes, not ${offset}`);
      }
      return putBlob(scope, Buffer.concat([old, bytes]));
    },
    async statBlob(scope) {
      const blob = blobs.get(scope);
      return blob && { sizeBytes: blob.length };
    },
    async *readBlob(scope, { offset = 0, limitBytes = Number.POSITIVE_INFINITY } = {}) {
      const blob = blobs.get(scope);
      if (!blob) throw notFound({ plural: "blobs", name: scope });
      const part = blob.subarray(offset, Math.min(offset + limitBytes, blob.length));
      if (part.length > 0) yield part;
    },
    async deleteBlob(scope) {
      blobs.delete(scope);
    },
    ready: async () => undefined,
    close: async () => closing.abort(),
  };
}
