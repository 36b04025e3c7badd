/**
 * Runs one controller: changes become keys, keys become reconciles, and what a reconcile says becomes status and a place
 * in the queue. Errors have four outcomes: Conflict → again at once, silently; WaitError → after its seconds;
 * TerminalError → condition Stalled, no retry; anything else → back-off.
 */
import {
  type ConditionInput,
  isReason,
  isTrue,
  type KindRef,
  type KubernetesObject,
  resourceNameOf,
} from "@krate/kinds";
import { type EventRecorder, type Informer, type KubeClient, keyOf, type ObjectKey, storeKey } from "@krate/kube";
import { forReconcile, type Logger } from "@krate/telemetry";
import type { ControllerMetrics } from "./controller-metrics.ts";
import type { Controller, ReconcileContext } from "./define-controller.ts";
import type { Informers } from "./informers.ts";
import { type ReconcileResult, TerminalError, WaitError } from "./outcome.ts";
import { plannedStatus, type StatusChange } from "./status.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ControllerEnvironment {
  client: KubeClient;
  informers: Informers;
  events: EventRecorder;
  log: Logger;
  metrics: ControllerMetrics;
  now: () => Date;
}

const defaultTimeoutSeconds = 120;
const stalled = "Stalled";

export class ControllerRunner {
  readonly #controller: Controller;
  readonly #environment: ControllerEnvironment;
  readonly #objects: Informer<KubernetesObject>;
  /** What a write of ours returned until the informer has it: the next reconcile must not work on something older. */
  readonly #written = new Map<string, KubernetesObject>();
  readonly #log: Logger;
  #queue: WorkQueue | undefined;

  constructor(controller: Controller, environment: ControllerEnvironment) {
    this.#controller = controller;
    this.#environment = environment;
    this.#log = environment.log.child({ controller: controller.name });
    this.#objects = environment.informers.get(controller.for, controller);
    for (const { kind, ...selection } of controller.watches ?? []) environment.informers.get(kind, selection);
    for (const kind of controller.reads ?? []) environment.informers.get(kind);
  }

  /** Works until `signal` aborts; resolves when no reconcile is under way any more. Informers must have synced. */
  async run(signal: AbortSignal): Promise<void> {
    const { name, concurrency = 1 } = this.#controller;
    const { metrics } = this.#environment;
    const queue = new WorkQueue({
      onDepth: (depth) => metrics.depth(name, depth),
      onAdd: () => metrics.added(name),
    });
    this.#queue = queue;
    const unsubscribe = this.#subscribe(queue);
    const stop = () => queue.stop();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    await queue.run(
      concurrency,
      (key, waitedMs) => {
        metrics.waited(name, waitedMs / 1000);
        return this.#process(key, queue, signal);
      },
      (key, error) => {
        metrics.panicked(name);
        this.#log.error({ err: error, key }, "the runtime itself failed on a key; it is tried again");
      },
    );
    for (const end of unsubscribe) end();
  }

  #subscribe(queue: WorkQueue): (() => void)[] {
    const { watches = [], triggers = [], predicate, forgotten } = this.#controller;
    const { informers } = this.#environment;
    const context = { lister: <K extends KindRef>(kind: K) => informers.lister(kind) };
    const own = this.#objects.onChange((type, object, old) => {
      const key = storeKey(object);
      this.#dropWritten(key, object, type === "DELETED");
      if (type === "DELETED") {
        queue.forget(key);
        forgotten?.(keyOf(object));
      } else if (!predicate || predicate(object, old)) queue.add(key);
    });
    const foreign = watches.map(({ kind, map, ...selection }) =>
      informers.get(kind, selection).onChange((_type, object, old) => {
        const keys = new Set(
          [...map(object, context), ...(old ? map(old, context) : [])].map((metadata) => storeKey({ metadata })),
        );
        for (const key of keys) queue.add(key);
      }),
    );
    const triggered = triggers.map((trigger) =>
      trigger.onEnqueue((metadata, afterSeconds) => {
        const key = storeKey({ metadata });
        if (afterSeconds > 0) queue.addAfter(key, afterSeconds * 1000);
        else queue.add(key);
      }),
    );
    return [own, ...foreign, ...triggered];
  }

  async #process(key: string, queue: WorkQueue, stop: AbortSignal): Promise<void> {
    const { name, resyncSeconds, timeoutSeconds = defaultTimeoutSeconds } = this.#controller;
    const object = this.#newest(key);
    if (!object) return queue.forget(key);
    const started = performance.now();
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new Error(`the reconcile took longer than ${timeoutSeconds} s`)),
      timeoutSeconds * 1000,
    );
    const log = forReconcile(this.#log, { kind: this.#controller.for.kind, ...keyOf(object) });
    let outcome: "success" | "error" | "requeue" | "requeue_after" = "success";
    try {
      const result = await this.#reconcile(object, key, log, AbortSignal.any([stop, timeout.signal]));
      queue.forget(key);
      const again = result?.requeueAfterSeconds ?? (resyncSeconds && resyncSeconds * (0.9 + Math.random() / 5));
      if (again !== undefined) queue.addAfter(key, again * 1000);
      if (result?.requeueAfterSeconds !== undefined) outcome = "requeue_after";
    } catch (error) {
      if (stop.aborted) return;
      outcome = await this.#fail(error, key, queue, log);
    } finally {
      clearTimeout(timer);
      this.#environment.metrics.reconciled(name, outcome, (performance.now() - started) / 1000);
    }
  }

  async #fail(
    error: unknown,
    key: string,
    queue: WorkQueue,
    log: Logger,
  ): Promise<"error" | "requeue" | "requeue_after"> {
    const { metrics } = this.#environment;
    const { name } = this.#controller;
    if (isReason(error, "Conflict")) {
      this.#written.delete(key);
      metrics.retried(name);
      queue.retry(key);
      return "requeue";
    }
    if (error instanceof WaitError || error instanceof TerminalError) {
      const wait = error instanceof WaitError ? error : undefined;
      const conditions = [...error.conditions];
      if (error instanceof TerminalError) conditions.push(isTrue(stalled, error.reason, error.message));
      if (error instanceof TerminalError)
        log.error({ err: error }, "reconcile cannot succeed until the object changes");
      else log.debug({ seconds: error.seconds }, error.message);
      try {
        await this.#settle(key, { conditions });
        queue.forget(key);
        if (wait) queue.addAfter(key, wait.seconds * 1000);
        return wait ? "requeue_after" : "error";
      } catch (writeError) {
        return this.#fail(writeError, key, queue, log);
      }
    }
    metrics.retried(name);
    const ms = queue.retry(key);
    log.error({ err: error, retries: queue.retries(key), retryMs: Math.round(ms) }, "reconcile failed");
    return "error";
  }

  async #reconcile(
    object: KubernetesObject,
    key: string,
    log: Logger,
    signal: AbortSignal,
    // biome-ignore lint/suspicious/noConfusingVoidType: as `finalize`
  ): Promise<ReconcileResult | void> {
    const { finalizer, finalize, reconcile } = this.#controller;
    const context = this.#context(key, log, signal);
    const hasFinalizer = finalizer !== undefined && (object.metadata?.finalizers ?? []).includes(finalizer);
    if (object.metadata?.deletionTimestamp) {
      if (!finalize || (finalizer !== undefined && !hasFinalizer)) return;
      const result = await finalize.call(this.#controller, object, context);
      if (result) await this.#settle(key, result);
      if (finalizer !== undefined && result?.requeueAfterSeconds === undefined)
        await this.#removeFinalizer(key, finalizer);
      return result;
    }
    if (finalizer !== undefined && finalize && !hasFinalizer) object = await this.#addFinalizer(object, finalizer);
    const result = await reconcile.call(this.#controller, object, context);
    await this.#settle(key, { ...result, dropConditions: [stalled] });
    return result;
  }

  #context(key: string, log: Logger, signal: AbortSignal): ReconcileContext {
    const { client, informers, events, now } = this.#environment;
    return {
      client,
      now,
      log,
      events,
      signal,
      lister: (kind) => informers.lister(kind),
      claim: async (object, status) => {
        const written = await this.#writeStatus(
          object,
          { status: status as Record<string, unknown> },
          { exactly: true },
        );
        if (storeKey(object) === key) this.#written.set(key, written);
        return written as typeof object;
      },
    };
  }

  /** Writes what a reconcile said, unless the object says it already or is gone. */
  async #settle(
    key: string,
    result: { status?: object; conditions?: readonly ConditionInput[]; dropConditions?: readonly string[] },
  ): Promise<void> {
    const object = this.#newest(key);
    if (!object) return;
    const { status, conditions, dropConditions } = result;
    try {
      const written = await this.#writeStatus(object, {
        ...(status && { status: status as Record<string, unknown> }),
        ...(conditions && { conditions }),
        ...(dropConditions && { dropConditions }),
      });
      if (written !== object) this.#written.set(key, written);
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  /** `exactly`: only on this resourceVersion (Conflict otherwise), and even when nothing differs. */
  async #writeStatus<T extends KubernetesObject>(
    object: T,
    change: Omit<StatusChange, "fieldManager" | "now">,
    options: { exactly?: boolean } = {},
  ): Promise<T> {
    const { client, now } = this.#environment;
    const fieldManager = this.#controller.name;
    const time = now()
      .toISOString()
      .replace(/\.\d+Z$/, "Z");
    const status = plannedStatus(object, { ...change, fieldManager, now: time });
    if (status === undefined && !options.exactly) return object;
    const { namespace, name = "", uid, resourceVersion } = object.metadata ?? {};
    const metadata = {
      name,
      ...(namespace && { namespace }),
      ...(uid && { uid }),
      ...(options.exactly && resourceVersion && { resourceVersion }),
    };
    // The caller's object may be of any kind (a claim); its own type says which.
    const kind = this.#kindOf(object);
    const body = { metadata, status: status ?? {} };
    return (await client.apply(kind, body as never, { fieldManager, force: true, subresource: "status" })) as T;
  }

  #kindOf(object: KubernetesObject): KindRef {
    const all = [
      this.#controller.for,
      ...(this.#controller.watches ?? []).map(({ kind }) => kind),
      ...(this.#controller.reads ?? []),
    ];
    const found = all.find(({ kind, group }) => kind === object.kind && (object.apiVersion ?? "").startsWith(group));
    if (!found) throw new Error(`controller ${this.#controller.name} does not know kind ${object.kind}`);
    return found;
  }

  /** The cached object, or what we wrote since. */
  #newest(key: string): KubernetesObject | undefined {
    const cached = this.#objects.get(splitKey(key));
    if (!cached) return undefined;
    const written = this.#written.get(key);
    return written && written.metadata?.uid === cached.metadata?.uid ? written : cached;
  }

  #dropWritten(key: string, seen: KubernetesObject, gone: boolean): void {
    const written = this.#written.get(key);
    if (written && (gone || !isOlder(seen, written))) this.#written.delete(key);
  }

  async #addFinalizer<T extends KubernetesObject>(object: T, finalizer: string): Promise<T> {
    const finalizers = [...(object.metadata?.finalizers ?? []), finalizer];
    return this.#patchFinalizers(object, finalizers) as Promise<T>;
  }

  async #removeFinalizer(key: string, finalizer: string): Promise<void> {
    const object = this.#newest(key);
    if (!object) return;
    try {
      await this.#patchFinalizers(
        object,
        (object.metadata?.finalizers ?? []).filter((entry) => entry !== finalizer),
      );
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  /** Merge patch with resourceVersion: the list is written as a whole, so nobody may have changed it meanwhile. */
  async #patchFinalizers(object: KubernetesObject, finalizers: string[]): Promise<KubernetesObject> {
    const patch = { metadata: { finalizers, resourceVersion: object.metadata?.resourceVersion } };
    const written = await this.#environment.client.patch(this.#controller.for, keyOf(object), patch, {
      type: "merge",
      fieldManager: this.#controller.name,
    });
    this.#written.set(storeKey(object), written);
    return written;
  }

  /** For tests and health: keys waiting or in work. */
  get pending(): number {
    return (this.#queue?.depth ?? 0) + (this.#queue?.inWork ?? 0);
  }

  get description(): string {
    return `${this.#controller.name} (${resourceNameOf(this.#controller.for)})`;
  }
}

function splitKey(key: string): ObjectKey {
  const slash = key.indexOf("/");
  return slash === -1 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Both from one server; versions of one kind are ordered (Kubernetes 1.35: comparable; ours are one counter). */
function isOlder(seen: KubernetesObject, written: KubernetesObject): boolean {
  const [a, b] = [seen.metadata?.resourceVersion ?? "", written.metadata?.resourceVersion ?? ""];
  return a.length !== b.length ? a.length < b.length : a < b;
}
