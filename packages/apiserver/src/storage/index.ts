export { type EncodableObject, encodeObject } from "./encode-object.ts";
export { parseRevision } from "./list.ts";
export { createMemoryStore } from "./memory/memory-store.ts";
export { type StorageObserver, storageMetrics } from "./observer.ts";
export type { StoreOptions } from "./options.ts";
export { openPostgresStore, type PostgresStoreOptions } from "./postgres/postgres-store.ts";
export type * from "./store.ts";
export { watchFrame } from "./watch-frame.ts";
