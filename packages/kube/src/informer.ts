/**
 * A local copy of one kind that follows the server and heals itself.
 *
 *   listing ──► watching ──(stream ends, connection lost, silence)──► watching again from the last resourceVersion
 *      ▲            └──(410 Gone, version unknown to the server, silent twice)──┐
 *      └────────────────────────────────────────────────────────────────────────┘ list again, tell the difference
 *
 * Listeners hear every change in the server's order, never a state twice, and DELETED also for what vanished while the
 * connection was down. States between two lists may be skipped, as everywhere in Kubernetes.
 * The first list is a stream (WatchList, KEP-3157) where the server can, otherwise pages.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, type KindRef, type KubernetesObject, type ObjectOf, resourceNameOf } from "@krate/kinds";
import { type Change, type ChangeType, type IndexFunction, ObjectStore, storeKey } from "./object-store.ts";
import type { KubeClient, ObjectKey } from "./types.ts";

export type ChangeListener<T> = (type: ChangeType, object: T, old: T | undefined) => void;

export interface InformerOptions<T> {
  /** Absent = all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** name → function; `namespace` is always there. */
  indexes?: Record<string, IndexFunction<T>>;
  /** `managedFields` are about half of an object's bytes and no controller reads them. @defaultValue false */
  keepManagedFields?: boolean;
  /** Trims an object before it is kept, e.g. drops a large field nobody reads. */
  transform?: (object: T) => T;
  /** No byte, not even a bookmark, for this long: watch anew. The server sends one about every minute. @defaultValue 150 s */
  silenceSeconds?: number;
  /** Wait between attempts: doubles from initial to max, with jitter. @defaultValue 200 ms … 30 s */
  backoff?: { initialMs: number; maxMs: number };
  /** Told about everything the informer heals from; a listener's own exception too. */
  onProblem?: (problem: { message: string; error: unknown }) => void;
}

export interface Informer<T> {
  /** Begins to follow the server until `signal` aborts; calls after the first do nothing. */
  start(signal: AbortSignal): void;
  /** Resolves when the first list is complete; rejects with the signal's reason if that never happens. */
  synced(): Promise<void>;
  readonly hasSynced: boolean;
  /** Objects are shared: never change one. */
  get(key: ObjectKey): T | undefined;
  /** All, or those of one namespace. */
  list(namespace?: string): T[];
  byIndex(name: string, value: string): T[];
  addIndex(name: string, of: IndexFunction<T>): void;
  /** Calls `listener` for everything already known, then for every change. Returns how to stop that. */
  onChange(listener: ChangeListener<T>): () => void;
  /** Version up to which the copy is complete. */
  readonly resourceVersion: string | undefined;
  readonly kind: KindRef;
}

const defaultSilenceSeconds = 150;
/** A server that ignores `sendInitialEvents` never sends the closing bookmark; then we list instead. */
const initialEventsSilenceSeconds = 10;
const listPageSize = 500;
const initialEventsEnd = "k8s.io/initial-events-end";

export function informer<K extends KindRef>(
  client: KubeClient,
  kind: K,
  options: InformerOptions<ObjectOf<K>> = {},
): Informer<ObjectOf<K>> {
  type T = ObjectOf<K>;
  const store = new ObjectStore<T>();
  store.addIndex("namespace", (object) => [object.metadata?.namespace ?? ""]);
  for (const [name, of] of Object.entries(options.indexes ?? {})) store.addIndex(name, of);
  const listeners = new Set<ChangeListener<T>>();
  const firstSync = Promise.withResolvers<void>();
  firstSync.promise.catch(() => undefined); // whoever awaits synced() gets it; nobody has to
  let hasSynced = false;
  let started = false;
  const reportProblem = options.onProblem ?? (() => undefined);

  const tell = (changes: Change<T>[]) => {
    for (const { type, object, old } of changes) {
      for (const listener of listeners) {
        try {
          listener(type, object, old);
        } catch (error) {
          reportProblem({ message: `a listener of ${resourceNameOf(kind)} failed on ${storeKey(object)}`, error });
        }
      }
    }
  };

  const follower = new Follower(client, kind, options, {
    replace: (objects) => {
      tell(store.replace(objects));
      if (!hasSynced) {
        hasSynced = true;
        firstSync.resolve();
      }
    },
    put: (object) => tell(store.put(object)),
    remove: (object) => tell(store.remove(object)),
  });

  return {
    kind,
    start(signal) {
      if (started) return;
      started = true;
      signal.addEventListener("abort", () => firstSync.reject(signal.reason), { once: true });
      follower.run(signal, reportProblem).catch((error: unknown) => {
        reportProblem({ message: `the informer of ${resourceNameOf(kind)} ended`, error });
      });
    },
    synced: () => firstSync.promise,
    get hasSynced() {
      return hasSynced;
    },
    get: (key) => store.get(storeKey({ metadata: key })),
    list: (namespace) => (namespace === undefined ? store.values() : store.byIndex("namespace", namespace)),
    byIndex: (name, value) => store.byIndex(name, value),
    addIndex: (name, of) => store.addIndex(name, of),
    onChange(listener) {
      for (const object of store.values()) listener("ADDED", object, undefined);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get resourceVersion() {
      return follower.resourceVersion;
    },
  };
}

interface Sink<T> {
  replace(objects: Iterable<T>): void;
  put(object: T): void;
  remove(object: T): void;
}

/** The loop of the diagram above. */
class Follower<K extends KindRef> {
  /** Where the next watch continues; absent = list first. */
  resourceVersion: string | undefined;
  readonly #client: KubeClient;
  readonly #kind: K;
  readonly #options: InformerOptions<ObjectOf<K>>;
  readonly #sink: Sink<ObjectOf<K>>;
  #canStreamList = true;
  #failures = 0;
  #silences = 0;

  constructor(client: KubeClient, kind: K, options: InformerOptions<ObjectOf<K>>, sink: Sink<ObjectOf<K>>) {
    this.#client = client;
    this.#kind = kind;
    this.#options = options;
    this.#sink = sink;
  }

  async run(signal: AbortSignal, report: (problem: { message: string; error: unknown }) => void): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        if (this.resourceVersion === undefined && this.#canStreamList) await this.#streamListAndWatch(signal);
        else {
          if (this.resourceVersion === undefined) await this.#listPages(signal);
          await this.#watch(signal);
        }
        // The server ended the stream, as it does after some minutes. One that ends at once must not be asked in a tight loop.
        if (performance.now() - startedAt < 1000) await this.#wait(signal);
      } catch (error) {
        if (signal.aborted) return;
        report({ message: `following ${resourceNameOf(this.#kind)} was interrupted`, error });
        await this.#recover(error, signal);
      }
    }
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof ListStreamUnsupported) {
      this.#canStreamList = false;
      return;
    }
    if (isVersionUnknown(error)) this.resourceVersion = undefined;
    const isSilence = error instanceof ApiError && error.reason === "Timeout";
    this.#silences = isSilence ? this.#silences + 1 : 0;
    if (this.#silences >= 2) this.resourceVersion = undefined;
    const retryAfterSeconds = error instanceof ApiError ? (error.details?.retryAfterSeconds ?? 0) : 0;
    await this.#wait(signal, retryAfterSeconds * 1000);
  }

  async #wait(signal: AbortSignal, atLeastMs = 0): Promise<void> {
    const { initialMs, maxMs } = this.#options.backoff ?? { initialMs: 200, maxMs: 30_000 };
    const ceiling = Math.min(maxMs, initialMs * 2 ** this.#failures++);
    const ms = Math.max(atLeastMs, ceiling * (0.5 + Math.random() / 2));
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  #progress(): void {
    this.#failures = 0;
    this.#silences = 0;
  }

  #selection() {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { namespace, labelSelector, fieldSelector };
  }

  async #listPages(signal: AbortSignal): Promise<void> {
    const objects: ObjectOf<K>[] = [];
    let next: string | undefined;
    let resourceVersion: string | undefined;
    do {
      const page = await this.#client.list(this.#kind, {
        ...this.#selection(),
        limit: listPageSize,
        ...(next && { continue: next }),
        signal,
      });
      for (const object of page.items) objects.push(this.#trim(object));
      next = page.metadata.continue;
      resourceVersion = page.metadata.resourceVersion;
    } while (next);
    this.#sink.replace(objects);
    this.resourceVersion = resourceVersion;
    this.#progress();
  }

  async #streamListAndWatch(signal: AbortSignal): Promise<void> {
    let initial: ObjectStore<ObjectOf<K>> | undefined = new ObjectStore();
    const aborter = new AbortController();
    const giveUp = () => aborter.abort(new ListStreamUnsupported("no initial events"));
    let timer: NodeJS.Timeout | undefined = setTimeout(giveUp, initialEventsSilenceSeconds * 1000);
    try {
      for await (const event of this.#client.watch(this.#kind, {
        ...this.#selection(),
        sendInitialEvents: true,
        silenceSeconds: this.#options.silenceSeconds ?? defaultSilenceSeconds,
        signal: AbortSignal.any([signal, aborter.signal]),
      })) {
        if (initial === undefined) {
          this.#take(event);
          continue;
        }
        timer?.refresh();
        if (event.type === "BOOKMARK") {
          if (event.object.metadata?.annotations?.[initialEventsEnd] !== "true") continue;
          clearTimeout(timer);
          timer = undefined;
          this.#sink.replace(initial.values());
          this.resourceVersion = event.object.metadata?.resourceVersion;
          initial = undefined;
          this.#progress();
        } else if (event.type === "DELETED") initial.remove(event.object);
        else initial.put(this.#trim(event.object));
      }
    } catch (error) {
      const refused = error instanceof ApiError && (error.reason === "Invalid" || error.reason === "BadRequest");
      if (initial !== undefined && refused) throw new ListStreamUnsupported(error.message);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    for await (const event of this.#client.watch(this.#kind, {
      ...this.#selection(),
      ...(this.resourceVersion !== undefined && { resourceVersion: this.resourceVersion }),
      silenceSeconds: this.#options.silenceSeconds ?? defaultSilenceSeconds,
      signal,
    })) {
      this.#take(event);
    }
  }

  #take(event: { type: string; object: ObjectOf<K> }): void {
    if (event.type === "DELETED") this.#sink.remove(this.#trim(event.object));
    else if (event.type !== "BOOKMARK") this.#sink.put(this.#trim(event.object));
    this.resourceVersion = event.object.metadata?.resourceVersion ?? this.resourceVersion;
    this.#progress();
  }

  #trim(object: ObjectOf<K>): ObjectOf<K> {
    const metadata = (object as KubernetesObject).metadata;
    if (!this.#options.keepManagedFields && metadata) delete metadata.managedFields;
    return this.#options.transform ? this.#options.transform(object) : object;
  }
}

class ListStreamUnsupported extends Error {}

/** 410, or a version from the server's future (its data was restored or replaced). */
function isVersionUnknown(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  if (error.reason === "Expired" || error.reason === "Gone" || error.code === 410) return true;
  return error.details?.causes?.some((cause) => cause.reason === "ResourceVersionTooLarge") ?? false;
}
