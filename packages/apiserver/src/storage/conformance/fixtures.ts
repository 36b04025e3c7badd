/** What the parts of the conformance suite share. */
import { expect } from "@jest/globals";
import { encodeObject } from "../encode-object.ts";
import type { StoreOptions } from "../options.ts";
import type { Change, ListOptions, ObjectKey, Store, StoredObject, WatchEvent, WatchOptions } from "../store.ts";

/** One set of data and its replicas; made afresh for each test. */
export interface StoreHarness {
  /** Opens a replica. */
  open(options?: StoreOptions): Promise<Store>;
  close(): Promise<void>;
  /** Only where the data is in a database: stops and starts it. */
  database?: { restart(how: "clean" | "crash"): Promise<void>; down(): Promise<void>; up(): Promise<void> };
}

export interface ConformanceSetup {
  /** Replicas that can share one set of data. */
  replicas: 1 | 2;
  start(): Promise<void>;
  stop(): Promise<void>;
  makeHarness(): Promise<StoreHarness>;
}

/** The store of the test that is running. */
export interface World {
  readonly store: Store;
  readonly harness: StoreHarness;
  create(name: string, body?: Body, namespace?: string): Promise<StoredObject>;
}

export const group = "forge.krate.a5c.ai";
export const resource = "pullrequests";

export const at = (name: string, namespace = "acme"): ObjectKey => ({ group, resource, namespace, name });

export interface Body {
  labels?: Record<string, string>;
  state?: string;
  text?: string;
}

export function encode(key: ObjectKey, { labels, state = "", text = "" }: Body = {}) {
  const { name, namespace } = key;
  return encodeObject({ metadata: { name, namespace, labels }, spec: { state, text } } as never, {
    "spec.state": state,
  });
}

export const parsed = (object: StoredObject) =>
  JSON.parse(object.bytes.toString()) as {
    metadata: { name: string; resourceVersion: string };
    spec: { text: string };
  };
export const names = (objects: readonly StoredObject[]) => objects.map((object) => object.key.name);
export const replaceBy =
  (body: Body) =>
  (current: StoredObject): Change => ({ do: "replace", object: encode(current.key, body) });

/** What a watcher saw, short: `ADDED a 3`. */
export const shown = (event: WatchEvent) =>
  event.type === "BOOKMARK"
    ? `BOOKMARK ${event.revision}${event.initialEventsEnd ? " end" : ""}`
    : `${event.type} ${event.object.key.name} ${event.revision}`;

/** Reads from a watch until `enough` says so, then ends it. */
export async function readWatch(
  store: Store,
  options: Partial<WatchOptions>,
  enough: (events: readonly WatchEvent[]) => boolean,
): Promise<WatchEvent[]> {
  const abort = new AbortController();
  const events: WatchEvent[] = [];
  for await (const event of store.watch({ group, resource, signal: abort.signal, ...options })) {
    events.push(event);
    if (enough(events)) abort.abort();
  }
  return events;
}

export const readSome = (store: Store, options: Partial<WatchOptions>, count: number) =>
  readWatch(store, options, (events) => events.length >= count);

export async function readAllPages(store: Store, options: Partial<ListOptions>): Promise<string[]> {
  const found: string[] = [];
  let token: string | undefined;
  do {
    const page = await store.list({ group, resource, ...options, continue: token });
    found.push(...page.items.map((item) => `${item.key.name}@${item.revision}`));
    token = page.continue;
  } while (token);
  return found;
}

/** mulberry32: small, and the same everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

export const reason = (name: string) => expect.objectContaining({ reason: name });

/** Sessions that died with the server are found out one by one. */
export async function untilReady(store: Store): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    try {
      await store.ready();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  await store.ready();
}
