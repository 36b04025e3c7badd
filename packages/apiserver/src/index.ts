/**
 * @krate/apiserver: start reading at `pipeline.ts`, then `standalone/standalone.ts`. What is exported here is what others may build on
 * (docs/library.md): `defineKind` and `serve` to serve kinds of one's own, below them the parts they are made of.
 */
export type { Schema, TableColumn } from "@krate/apimachinery";
export { type Config, readConfig } from "./config.ts";
export type { RequestContext, UserInfo } from "./context.ts";
export { defineKind, type KindOptions } from "./library/define-kind.ts";
export { type OpenStorage, openStorage, type Storage } from "./library/open-storage.ts";
export { type ServeOptions, type Serving, serve } from "./library/serve.ts";
export { type ServeBehindOptions, serveBehind } from "./library/serve-behind.ts";
export {
  defineResource,
  type ResourceOptions,
  type ServedResource,
  type Strategy,
  type Subresource,
} from "./resources/resource.ts";
export { type RunningServer, run } from "./run.ts";
export { type ApiServer, apiServer } from "./server.ts";
export { type StandaloneOptions, standalone } from "./standalone/standalone.ts";
export { createMemoryStore } from "./storage/memory/memory-store.ts";
export { openPostgresStore, type PostgresStoreOptions } from "./storage/postgres/postgres-store.ts";
export type { Store } from "./storage/store.ts";
