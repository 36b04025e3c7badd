/**
 * Consumes an append-only kind from first to last, once each as far as possible and at least once in any case.
 *
 *   no cursor, or 410 ──► list everything, handle in order of resourceVersion ──► watch from there
 *   cursor            ──► watch from the cursor
 *
 * The cursor (a resourceVersion in ConfigMap `<name>-cursor`) moves only over events whose `handle` has resolved, so
 * `handle` must be idempotent. Events of one partition are handled one after another, partitions side by side.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ApiError, ConfigMap, type KindRef, type KubernetesObject, type ObjectOf, resourceNameOf } from "@krate/kinds";
import { type EventRecorder, type Informer, type KubeClient, storeKey } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import type { Selection } from "./define-controller.ts";
import { TerminalError } from "./outcome.ts";

export interface ConsumerContext {
  client: KubeClient;
  log: Logger;
  events: EventRecorder;
  now(): Date;
  signal: AbortSignal;
  lister<K extends KindRef>(kind: K): Informer<ObjectOf<K>>;
}

export interface LogConsumer<K extends KindRef = KindRef> extends Selection {
  name: string;
  kind: K;
  /** Kinds read through `context.lister`. */
  reads?: readonly KindRef[];
  /**
   * Idempotent. An error is tried again with back-off for ever (the log waits); a TerminalError is logged and skipped.
   */
  handle(event: ObjectOf<K>, context: ConsumerContext): Promise<void>;
  /** Events with equal partitions keep their order. @defaultValue one partition per namespace */
  partition?: (event: ObjectOf<K>) => string;
  /** Events in work at once, over all partitions. @defaultValue 16 */
  concurrency?: number;
}

export function defineLogConsumer<K extends KindRef>(consumer: LogConsumer<K>): LogConsumer {
  return consumer as unknown as LogConsumer;
}

const silenceSeconds = 150;
const retryMs = { initial: 200, max: 30_000 };
/** The cursor is written at most this often: what was handled since is handled again after a crash. */
const saveIntervalMs = 1000;

export async function runLogConsumer(
  consumer: LogConsumer,
  options: { context: Omit<ConsumerContext, "signal">; namespace: string; signal: AbortSignal },
): Promise<void> {
  const { signal, context } = options;
  const cursor = new Cursor(consumer, options.namespace, context);
  const window = new HandlingWindow(consumer, { ...context, signal }, (version) => cursor.moved(version));
  let failures = 0;
  let position = await persistently(() => cursor.load(), signal, context.log);
  while (!signal.aborted) {
    try {
      if (position === undefined) position = await handleEverything(consumer, context.client, window, signal);
      for await (const event of context.client.watch(consumer.kind, {
        ...selectionOf(consumer),
        resourceVersion: position,
        silenceSeconds,
        signal,
      })) {
        failures = 0;
        const version = event.object.metadata?.resourceVersion;
        if (event.type === "ADDED") await window.add(event.object);
        else if (event.type === "BOOKMARK" && version) window.passed(version);
        position = version ?? position;
      }
    } catch (error) {
      if (signal.aborted) break;
      context.log.warn({ err: error }, `following ${resourceNameOf(consumer.kind)} was interrupted`);
      if (error instanceof ApiError && error.code === 410) position = undefined;
    }
    const ms = Math.min(retryMs.max, retryMs.initial * 2 ** Math.min(failures++, 10));
    await sleep(ms * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
  }
  await window.idle();
  await cursor.save();
}

async function handleEverything(
  consumer: LogConsumer,
  client: KubeClient,
  window: HandlingWindow,
  signal: AbortSignal,
): Promise<string> {
  let version: string | undefined;
  let next: string | undefined;
  const events: KubernetesObject[] = [];
  do {
    const page = await client.list(consumer.kind, {
      ...selectionOf(consumer),
      limit: 500,
      ...(next && { continue: next }),
      signal,
    });
    events.push(...page.items);
    next = page.metadata.continue;
    version = page.metadata.resourceVersion;
  } while (next);
  events.sort((a, b) => compareVersions(a.metadata?.resourceVersion ?? "", b.metadata?.resourceVersion ?? ""));
  for (const event of events) {
    signal.throwIfAborted();
    await window.add(event);
  }
  if (version === undefined) throw new Error("the list carried no resourceVersion");
  window.passed(version);
  return version;
}

function selectionOf({ namespace, labelSelector, fieldSelector }: Selection) {
  return {
    ...(namespace && { namespace }),
    ...(labelSelector && { labelSelector }),
    ...(fieldSelector && { fieldSelector }),
  };
}

function compareVersions(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Events in work, in order of arrival; tells up to which version everything is handled. */
class HandlingWindow {
  readonly #consumer: LogConsumer;
  readonly #context: ConsumerContext;
  readonly #onMoved: (version: string) => void;
  /** Oldest first; a bookmark is an entry that is done at once. */
  readonly #entries: { version: string; done: boolean }[] = [];
  readonly #partitions = new Map<string, Promise<void>>();
  #inWork = 0;
  #room: (() => void) | undefined;

  constructor(consumer: LogConsumer, context: ConsumerContext, onMoved: (version: string) => void) {
    this.#consumer = consumer;
    this.#context = context;
    this.#onMoved = onMoved;
  }

  /** Resolves when there is room for the next one: the watch is read no faster than events are handled. */
  async add(event: KubernetesObject): Promise<void> {
    const { concurrency = 16, partition } = this.#consumer;
    const entry = { version: event.metadata?.resourceVersion ?? "", done: false };
    this.#entries.push(entry);
    const key = partition?.(event) ?? event.metadata?.namespace ?? "";
    this.#inWork++;
    const previous = this.#partitions.get(key) ?? Promise.resolve();
    const handled = previous
      .then(() => this.#handle(event))
      .then((ok) => {
        entry.done = ok;
        this.#inWork--;
        if (this.#partitions.get(key) === handled) this.#partitions.delete(key);
        this.#advance();
        this.#room?.();
      });
    this.#partitions.set(key, handled);
    while (this.#inWork >= concurrency) {
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }

  passed(version: string): void {
    this.#entries.push({ version, done: true });
    this.#advance();
  }

  async idle(): Promise<void> {
    await Promise.all(this.#partitions.values());
  }

  /** False only when the program stops before it succeeded. */
  async #handle(event: KubernetesObject): Promise<boolean> {
    const { signal, log } = this.#context;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#consumer.handle(event, this.#context);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (error instanceof TerminalError) {
          log.error({ err: error, event: storeKey(event) }, "an event cannot be handled and is skipped");
          return true;
        }
        const ms = Math.min(retryMs.max, retryMs.initial * 2 ** Math.min(failures, 10));
        log.error({ err: error, event: storeKey(event), retryMs: ms }, "handling an event failed; it is tried again");
        await sleep(ms * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
    return false;
  }

  #advance(): void {
    let moved: string | undefined;
    while (this.#entries[0]?.done) moved = this.#entries.shift()?.version;
    if (moved) this.#onMoved(moved);
  }
}

class Cursor {
  readonly #key: { namespace: string; name: string };
  readonly #context: Omit<ConsumerContext, "signal">;
  readonly #consumer: LogConsumer;
  #version: string | undefined;
  #saved: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(consumer: LogConsumer, namespace: string, context: Omit<ConsumerContext, "signal">) {
    this.#consumer = consumer;
    this.#key = { namespace, name: `${consumer.name}-cursor` };
    this.#context = context;
  }

  async load(): Promise<string | undefined> {
    const stored = await this.#context.client.find(ConfigMap, this.#key);
    this.#saved = stored?.data?.resourceVersion;
    return this.#saved;
  }

  moved(version: string): void {
    this.#version = version;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.save().catch((error: unknown) => this.#context.log.warn({ err: error }, "the cursor could not be saved"));
    }, saveIntervalMs);
  }

  async save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const version = this.#version;
    if (version === undefined || version === this.#saved) return;
    await this.#context.client.apply(
      ConfigMap,
      { metadata: this.#key, data: { resourceVersion: version, resource: resourceNameOf(this.#consumer.kind) } },
      { fieldManager: this.#consumer.name, force: true },
    );
    this.#saved = version;
  }
}

async function persistently<T>(attempt: () => Promise<T>, signal: AbortSignal, log: Logger): Promise<T | undefined> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      return await attempt();
    } catch (error) {
      log.warn({ err: error }, "the cursor could not be read; trying again");
      const ms = Math.min(retryMs.max, retryMs.initial * 2 ** Math.min(failures, 10));
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
