import type { JsonObject } from "@krate/apimachinery";
import type { Logger } from "@krate/telemetry";
import { decodeStored } from "../objects.ts";
import type { Scope, Store, StoredObject } from "../storage/store.ts";

export type CacheListener = (object: JsonObject | undefined, old: JsonObject | undefined) => void;

export interface LocalCacheOptions {
  store: Store;
  scope: Scope;
  log: Logger;
}

const maxDelayMilliseconds = 5000;
const firstDelayMilliseconds = 50;

/**
 * All objects of a resource of our own store, decoded and kept current by a watch: what an informer is for another API server.
 * Starts again from the current state after any error; objects that went meanwhile are then reported as removed.
 */
export class LocalCache {
  readonly #options: LocalCacheOptions;
  readonly #objects = new Map<string, JsonObject>();
  readonly #listeners: CacheListener[] = [];
  #synced = false;
  #onSynced: () => void = () => {};
  readonly whenSynced: Promise<void>;

  constructor(options: LocalCacheOptions) {
    this.#options = options;
    this.whenSynced = new Promise((resolve) => {
      this.#onSynced = resolve;
    });
  }

  get synced(): boolean {
    return this.#synced;
  }

  get(namespace: string, name: string): JsonObject | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  list(namespace?: string): JsonObject[] {
    if (namespace === undefined) return [...this.#objects.values()];
    const prefix = `${namespace}/`;
    return [...this.#objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object);
  }

  onChange(listener: CacheListener): void {
    this.#listeners.push(listener);
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    let delay = firstDelayMilliseconds;
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
        delay = firstDelayMilliseconds;
      } catch (err) {
        if (signal.aborted) return;
        this.#options.log.warn(
          { err, resource: this.#options.scope.resource },
          "watch of the local cache ended; starting again",
        );
      }
      await pause(delay, signal);
      delay = Math.min(delay * 2, maxDelayMilliseconds);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, scope } = this.#options;
    let seen: Set<string> | undefined = new Set();
    for await (const event of store.watch({ ...scope, sendInitialEvents: true, bookmarks: true, signal })) {
      if (event.type === "BOOKMARK") {
        if (event.initialEventsEnd && seen !== undefined) {
          this.#dropAllBut(seen);
          seen = undefined;
          this.#synced = true;
          this.#onSynced();
        }
        continue;
      }
      const key = keyOf(event.object);
      seen?.add(key);
      this.#set(key, event.type === "DELETED" ? undefined : decodeStored(event.object));
    }
  }

  #dropAllBut(seen: ReadonlySet<string>): void {
    for (const key of this.#objects.keys()) if (!seen.has(key)) this.#set(key, undefined);
  }

  #set(key: string, object: JsonObject | undefined): void {
    const old = this.#objects.get(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    for (const listener of this.#listeners) {
      try {
        listener(object, old);
      } catch (err) {
        this.#options.log.error({ err, key }, "a listener of the local cache failed");
      }
    }
  }
}

function keyOf({ key }: StoredObject): string {
  return `${key.namespace}/${key.name}`;
}

/** Resolves after the delay, or at once when the signal is aborted. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
