/** A controller as data: which kind it is for, what else it looks at, what it does. */
import type { KindRef, KubernetesObject, ObjectOf } from "@krate/kinds";
import type { EventRecorder, Informer, KubeClient, ObjectKey } from "@krate/kube";
import type { Logger } from "@krate/telemetry";
import type { ReconcileResult } from "./outcome.ts";

type StatusOf<T> = T extends { status?: infer S } ? NonNullable<S> : Record<string, unknown>;

/** Which objects of a kind are followed. Controllers of one program that choose the same share one informer. */
export interface Selection {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

/** Another kind whose changes lead to objects of `for`. */
export interface Watch<K extends KindRef = KindRef> extends Selection {
  kind: K;
  map: (object: ObjectOf<K>, context: MapContext) => readonly ObjectKey[];
}

export interface MapContext {
  lister<K extends KindRef>(kind: K): Informer<ObjectOf<K>>;
}

/** `map` names the objects of the controller's own kind to look at when `object` changed (called with the old one too). */
export function watch<K extends KindRef>(
  kind: K,
  map: (object: ObjectOf<K>, context: MapContext) => readonly ObjectKey[],
  selection: Selection = {},
): Watch {
  return { kind, map, ...selection } as unknown as Watch;
}

/** Objects that carry a controller owner reference to `owner`. */
export function ownedBy<K extends KindRef>(kind: K, owner: KindRef, selection: Selection = {}): Watch {
  return watch(
    kind,
    ({ metadata }: KubernetesObject) =>
      (metadata?.ownerReferences ?? [])
        .filter((reference) => reference.kind === owner.kind && reference.apiVersion.split("/")[0] === owner.group)
        .map(({ name }) => ({ name, ...(metadata?.namespace && { namespace: metadata.namespace }) })),
    selection,
  );
}

export interface ReconcileContext extends MapContext {
  client: KubeClient;
  now(): Date;
  log: Logger;
  events: EventRecorder;
  /** Aborts when the program stops, the lease is lost, or the reconcile takes too long. */
  signal: AbortSignal;
  /**
   * Writes status on exactly this version of the object before an effect that must not happen twice: with a stale object
   * it fails with Conflict, and the reconcile ends silently and runs again. Returns the object as stored.
   */
  claim<T extends KubernetesObject>(object: T, status: Partial<StatusOf<T>>): Promise<T>;
}

/** Keys from inside the program, such as from a log consumer; not heard while the controller does not run (not leading). */
export interface Trigger {
  /** `afterSeconds`: gathers what comes until then. @defaultValue at once */
  enqueue(key: ObjectKey, options?: { afterSeconds?: number }): void;
  /** Used by the runtime. Returns how to stop that. */
  onEnqueue(listener: (key: ObjectKey, afterSeconds: number) => void): () => void;
}

export function defineTrigger(): Trigger {
  const listeners = new Set<(key: ObjectKey, afterSeconds: number) => void>();
  return {
    enqueue: (key, { afterSeconds = 0 } = {}) => {
      for (const listener of listeners) listener(key, afterSeconds);
    },
    onEnqueue: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export interface Controller<K extends KindRef = KindRef> extends Selection {
  /** Queue, metrics and field manager of status. */
  name: string;
  for: K;
  watches?: readonly Watch[];
  /** Kinds only read through `context.lister`. */
  reads?: readonly KindRef[];
  triggers?: readonly Trigger[];
  /** @defaultValue 1 */
  concurrency?: number;
  /** Longest reconcile. @defaultValue 120 s */
  timeoutSeconds?: number;
  /** Every object is looked at again this often (with jitter), for what changes without an event. @defaultValue never */
  resyncSeconds?: number;
  /** False: a change of an object of `for` itself does not lead to a reconcile. */
  predicate?: (object: ObjectOf<K>, old: ObjectOf<K> | undefined) => boolean;
  /** Level-based: read the world, decide, act. */
  reconcile(object: ObjectOf<K>, context: ReconcileContext): Promise<ReconcileResult<StatusOf<ObjectOf<K>>>>;
  /** With `finalize`: kept on every object until `finalize` resolves with nothing left to wait for. */
  finalizer?: string;
  /** While `deletionTimestamp` is set. A result with `requeueAfterSeconds` means not yet. */
  finalize?(
    object: ObjectOf<K>,
    context: ReconcileContext,
    // biome-ignore lint/suspicious/noConfusingVoidType: a finalizer with nothing to say returns nothing
  ): Promise<ReconcileResult<StatusOf<ObjectOf<K>>> | void>;
  /** The object is gone; for controllers that keep something about it in memory. */
  forgotten?(key: ObjectKey): void;
}

export function defineController<K extends KindRef>(controller: Controller<K>): Controller {
  return controller as unknown as Controller;
}
