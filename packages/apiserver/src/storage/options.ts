import { type Log, silentLog } from "@krate/postgres";
import { type StorageObserver, silentObserver } from "./observer.ts";

export interface StoreOptions {
  /** How often a watch that wants bookmarks gets one when it is quiet. @defaultValue 60 s, as kube-apiserver */
  bookmarkIntervalMilliseconds?: number;
  /** Events kept in memory for all watchers of this replica; older ones are read from the log. @defaultValue 10,000 */
  windowMaxEvents?: number;
  /** Bytes of those events. @defaultValue 32 MiB */
  windowMaxBytes?: number;
  /** Bytes of objects kept in memory for reads; 0 turns it off. @defaultValue 160 MiB */
  cacheMaxBytes?: number;
  /** Bytes of one blob. @defaultValue 64 MiB */
  maxBlobBytes?: number;
  log?: Log;
  /** @defaultValue nobody is told */
  observer?: StorageObserver;
}

/** Every option with its default filled in. */
export function resolveOptions(options: StoreOptions): Required<StoreOptions> {
  return {
    bookmarkIntervalMilliseconds: 60_000,
    windowMaxEvents: 10_000,
    windowMaxBytes: 32 * 1024 * 1024,
    cacheMaxBytes: 160 * 1024 * 1024,
    maxBlobBytes: 64 * 1024 * 1024,
    log: silentLog,
    observer: silentObserver,
    ...options,
  };
}
