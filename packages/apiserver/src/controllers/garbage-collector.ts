/**
 * Garbage collection by owner references.
 *
 *   an owner is gone                     → each dependent loses that reference; one without owners left is deleted (background)
 *   owner has finalizer foregroundDeletion → its blocking dependents are deleted first, then the finalizer goes
 *   owner has finalizer orphan           → its dependents lose the reference, then the finalizer goes
 *   a dependent appears whose owner is not there → as if the owner had just gone
 *
 * Source: k8s.io/kubernetes/pkg/controller/garbagecollector; dependents are found by tags (ownership.ts) instead of a graph in memory.
 */
import type { JsonObject } from "@krate/apimachinery";
import { isReason, type OwnerReference } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { foregroundFinalizer, orphanFinalizer } from "../deletion.ts";
import { decodeStored, finalizersOf, isBeingDeleted, metadataOf, ownersOf, textOf } from "../objects.ts";
import { owned, ownedBy } from "../ownership.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { ApiServer } from "../server.ts";
import type { ObjectEvent, ObjectKey, StoredObject } from "../storage/store.ts";
import { InternalClient } from "./internal-client.ts";
import { followAllResources } from "./resource-events.ts";
import { WorkQueue } from "./work-queue.ts";

const recheckMilliseconds = 500;

interface Dependent {
  resource: ServedResource;
  key: ObjectKey;
  object: JsonObject;
}

export function startGarbageCollector(server: ApiServer, { log, signal }: { log: Logger; signal: AbortSignal }): void {
  new GarbageCollector(server, log, signal).start();
}

class GarbageCollector {
  readonly #server: ApiServer;
  readonly #client: InternalClient;
  readonly #log: Logger;
  readonly #signal: AbortSignal;
  /** Storage names of resources that have or had dependents: the only ones worth searching. */
  readonly #withDependents = new Set<string>();
  readonly #gone: WorkQueue;
  readonly #dependents: WorkQueue;
  readonly #deleting: WorkQueue;

  constructor(server: ApiServer, log: Logger, signal: AbortSignal) {
    this.#server = server;
    this.#client = new InternalClient(server, "generic-garbage-collector");
    this.#log = log;
    this.#signal = signal;
    const options = { log, signal, concurrency: 4 };
    this.#gone = new WorkQueue({ ...options, name: "gc-owners", work: (uid) => this.#ownerGone(uid) });
    this.#dependents = new WorkQueue({ ...options, name: "gc-dependents", work: (key) => this.#checkDependent(key) });
    this.#deleting = new WorkQueue({ ...options, name: "gc-deleting", work: (key) => this.#ownerDeleting(key) });
  }

  start(): void {
    const { store, registry } = this.#server.services;
    followAllResources({
      store,
      registry,
      log: this.#log,
      signal: this.#signal,
      onEvent: (event) => this.#see(event),
      onStart: (stored) =>
        void this.#scan(stored).catch((err: unknown) =>
          this.#log.warn({ err, ...stored }, "could not look for orphans"),
        ),
    });
  }

  #see({ type, object: stored }: ObjectEvent): void {
    // Most objects have neither owners nor a deletion under way: tell so without parsing them.
    const hasOwners = stored.bytes.includes('"ownerReferences"');
    if (hasOwners) this.#withDependents.add(storageId(stored.key));
    if (type === "DELETED") {
      const uid = uidOf(stored);
      if (uid !== "" && this.#withDependents.size > 0) this.#gone.add(uid);
      return;
    }
    if (hasOwners && type === "ADDED") this.#dependents.add(JSON.stringify(stored.key));
    if (stored.bytes.includes('"deletionTimestamp"')) this.#deleting.add(JSON.stringify(stored.key));
  }

  /** What happened while nobody watched: owned objects whose owners may be gone, owners whose deletion waits for us. */
  async #scan(stored: { group: string; resource: string }): Promise<void> {
    const { chunks } = await this.#server.services.store.listStream({ ...stored, selector: { labels: owned } });
    for await (const chunk of chunks) {
      for (const object of chunk) {
        this.#withDependents.add(storageId(object.key));
        this.#dependents.add(JSON.stringify(object.key));
      }
    }
  }

  async #ownerGone(uid: string): Promise<undefined> {
    for await (const dependent of this.#dependentsOf(uid)) await this.#releaseOrDelete(dependent);
  }

  async #checkDependent(key: string): Promise<undefined> {
    const dependent = await this.#read(JSON.parse(key) as ObjectKey);
    if (dependent !== undefined) await this.#releaseOrDelete(dependent);
  }

  /** Deletes an object none of whose owners is there; otherwise drops only the references to those that are not. */
  async #releaseOrDelete({ resource, key, object }: Dependent): Promise<void> {
    const owners = ownersOf(object);
    const present: OwnerReference[] = [];
    for (const owner of owners) if (await this.#exists(owner, key.namespace)) present.push(owner);
    if (present.length === owners.length) return;
    const metadata = metadataOf(object);
    const reference = { namespace: key.namespace, name: key.name };
    try {
      if (present.length > 0) {
        const patch = {
          metadata: {
            resourceVersion: textOf(metadata["resourceVersion"]),
            ownerReferences: present as unknown as JsonObject[],
          },
        };
        await this.#client.merge(resource, reference, patch);
        return;
      }
      if (isBeingDeleted(object)) return;
      await this.#client.delete(resource, reference, {
        propagationPolicy: policyFor(object),
        preconditions: { uid: textOf(metadata["uid"]) },
      });
    } catch (error) {
      if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
    }
  }

  async #ownerDeleting(text: string): Promise<number | undefined> {
    const owner = await this.#read(JSON.parse(text) as ObjectKey);
    if (owner === undefined || !isBeingDeleted(owner.object)) return undefined;
    const finalizers = finalizersOf(owner.object);
    if (finalizers.includes(orphanFinalizer)) return this.#orphanDependents(owner);
    return finalizers.includes(foregroundFinalizer) ? this.#deleteDependentsFirst(owner) : undefined;
  }

  async #orphanDependents(owner: Dependent): Promise<number | undefined> {
    const uid = textOf(metadataOf(owner.object)["uid"]);
    for await (const { resource, key, object } of this.#dependentsOf(uid)) {
      const rest = ownersOf(object).filter((reference) => reference.uid !== uid) as unknown as JsonObject[];
      await this.#client.merge(resource, key, {
        metadata: { uid: textOf(metadataOf(object)["uid"]), ownerReferences: rest.length === 0 ? null : rest },
      });
    }
    await this.#dropFinalizer(owner, orphanFinalizer);
    return undefined;
  }

  async #deleteDependentsFirst(owner: Dependent): Promise<number | undefined> {
    const uid = textOf(metadataOf(owner.object)["uid"]);
    let blocked = false;
    for await (const { resource, key, object } of this.#dependentsOf(uid)) {
      blocked ||= ownersOf(object).some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true);
      if (isBeingDeleted(object)) continue;
      try {
        await this.#client.delete(resource, key, {
          propagationPolicy: "Foreground",
          preconditions: { uid: textOf(metadataOf(object)["uid"]) },
        });
      } catch (error) {
        if (!isReason(error, "NotFound") && !isReason(error, "Conflict")) throw error;
      }
    }
    if (blocked) return recheckMilliseconds;
    await this.#dropFinalizer(owner, foregroundFinalizer);
    return undefined;
  }

  async #dropFinalizer({ resource, key, object }: Dependent, finalizer: string): Promise<void> {
    const finalizers = finalizersOf(object).filter((each) => each !== finalizer);
    try {
      await this.#client.merge(resource, key, {
        metadata: {
          resourceVersion: textOf(metadataOf(object)["resourceVersion"]),
          finalizers: finalizers.length === 0 ? null : finalizers,
        },
      });
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      throw error;
    }
  }

  async *#dependentsOf(uid: string): AsyncGenerator<Dependent> {
    const seen = new Set<string>();
    for (const resource of this.#server.services.registry.all()) {
      const id = storageId(resource.storage);
      if (seen.has(id) || !this.#withDependents.has(id)) continue;
      seen.add(id);
      const { chunks } = await this.#server.services.store.listStream({
        ...resource.storage,
        selector: { labels: ownedBy(uid) },
      });
      for await (const chunk of chunks) {
        for (const stored of chunk) yield { resource, key: stored.key, object: decodeStored(stored) };
      }
    }
  }

  async #read(key: ObjectKey): Promise<Dependent | undefined> {
    const { store, registry } = this.#server.services;
    const resource = registry
      .all()
      .find(({ storage }) => storage.group === key.group && storage.resource === key.resource);
    const stored = await store.get(key);
    return resource === undefined || stored === undefined ? undefined : { resource, key, object: decodeStored(stored) };
  }

  /** An owner of a kind that is not served here is left alone: it may live in another API server. */
  async #exists(owner: OwnerReference, namespace: string): Promise<boolean> {
    const { store, registry } = this.#server.services;
    const [group, version] = owner.apiVersion.includes("/")
      ? (owner.apiVersion.split("/") as [string, string])
      : ["", owner.apiVersion];
    const resource = registry.findByKind(group, owner.kind, version) ?? registry.findByKind(group, owner.kind);
    if (resource === undefined) return true;
    const stored = await store.get({
      ...resource.storage,
      namespace: resource.namespaced ? namespace : "",
      name: owner.name,
    });
    return stored !== undefined && uidOf(stored) === owner.uid;
  }
}

function policyFor(object: JsonObject): string {
  const finalizers = finalizersOf(object);
  if (finalizers.includes(orphanFinalizer)) return "Orphan";
  return finalizers.includes(foregroundFinalizer) ? "Foreground" : "Background";
}

function storageId({ group, resource }: { group: string; resource: string }): string {
  return `${group}/${resource}`;
}

function uidOf(stored: StoredObject): string {
  return textOf(metadataOf(decodeStored(stored))["uid"]);
}
