import { totalmem } from "node:os";
import { type Log, silentLog } from "@krate/postgres";
import { type StorageObserver, silentObserver } from "./observer.ts";

export interface StoreOptions {
  /** How often a watch that wants bookmarks gets one when it is quiet. @defaultValue 60 s, as kube-apiserver */
  bookmarkIntervalMilliseconds?: number;
  /** Events kept in memory for all watchers of this replica; older ones are read from the log. @defaultValue 10,000 */
  windowMaxEvents?: number;
  /** Bytes of those events. @defaultValue 32 MiB */
  windowMaxBytes?: number;
  /** Bytes of objects kept in memory for reads; 0 turns it off. @defaultValue 256 MiB, at most a tenth of the memory */
  cacheMaxBytes?: number;
  /** Bytes of one blob. @defaultValue 64 MiB */
  maxBlobBytes?: number;
  log?: Log;
  /** @defaultValue nobody is told */
  observer?: StorageObserver;
}

const mebibyte = 1024 * 1024;
const cacheShare = 0.1;

/** Every option with its default filled in. */
export function resolveOptions(options: StoreOptions): Required<StoreOptions> {
  return {
    bookmarkIntervalMilliseconds: options.bookmarkIntervalMilliseconds ?? 60_000,
    windowMaxEvents: options.windowMaxEvents ?? 10_000,
    windowMaxBytes: options.windowMaxBytes ?? 32 * mebibyte,
    cacheMaxBytes: options.cacheMaxBytes ?? Math.min(256 * mebibyte, Math.floor(memoryBytes() * cacheShare)),
    maxBlobBytes: options.maxBlobBytes ?? 64 * mebibyte,
    log: options.log ?? silentLog,
    observer: options.observer ?? silentObserver,
  };
}

/** Of the machine, or of the container where that is less. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}
