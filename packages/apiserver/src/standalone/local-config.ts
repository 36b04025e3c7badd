import type { JsonObject } from "@krate/apimachinery";
import type { Logger } from "@krate/telemetry";
import { decodeStored } from "../objects.ts";
import type { ConfigKind, ConfigReader } from "../services.ts";
import type { Store } from "../storage/store.ts";
import { type CacheListener, LocalCache } from "../watching/local-cache.ts";

/** Reads configuration from our own store; one cache per kind, started when the kind is first asked for. */
export class LocalConfig implements ConfigReader {
  readonly #store: Store;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  readonly #caches = new Map<string, LocalCache>();

  constructor({ store, log, signal }: { store: Store; log: Logger; signal: AbortSignal }) {
    this.#store = store;
    this.#log = log;
    this.#signal = signal;
  }

  /** The cache of a kind; the kind's first use starts it. */
  cache({ group, plural }: Pick<ConfigKind, "group" | "plural">): LocalCache {
    const id = `${group}/${plural}`;
    const known = this.#caches.get(id);
    if (known !== undefined) return known;
    const cache = new LocalCache({ store: this.#store, scope: { group, resource: plural }, log: this.#log });
    this.#caches.set(id, cache);
    void cache.run(this.#signal);
    return cache;
  }

  get(
    kind: ConfigKind,
    { namespace = "", name }: { namespace?: string | undefined; name: string },
  ): JsonObject | undefined {
    return this.cache(kind).get(namespace, name);
  }

  async find(
    kind: ConfigKind,
    { namespace = "", name }: { namespace?: string | undefined; name: string },
  ): Promise<JsonObject | undefined> {
    const cached = this.get(kind, { namespace, name });
    if (cached !== undefined) return cached;
    const stored = await this.#store.get({ group: kind.group, resource: kind.plural, namespace, name });
    return stored === undefined ? undefined : decodeStored(stored);
  }

  list(kind: ConfigKind, namespace?: string): readonly JsonObject[] {
    return this.cache(kind).list(namespace);
  }

  onChange(kind: ConfigKind, listener: CacheListener): void {
    const cache = this.cache(kind);
    for (const object of cache.list()) listener(object, undefined);
    cache.onChange(listener);
  }

  synced(): boolean {
    return [...this.#caches.values()].every((cache) => cache.synced);
  }

  /** Resolves when every cache started so far has been read once. */
  async whenSynced(): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.whenSynced));
  }
}
