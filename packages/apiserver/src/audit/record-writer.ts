/** Writes AuditEvents behind the requests they are about: bounded, in batches, never in anybody's way. */
import { setTimeout as sleep } from "node:timers/promises";
import { dig } from "@krate/apimachinery";
import { isReason, labels } from "@krate/kinds";
import type { Logger } from "@krate/telemetry";
import { namespaceKind } from "../core/namespaces.ts";
import { encodeFor } from "../encoding.ts";
import { isBeingDeleted, labelsOf } from "../objects.ts";
import type { ServedResource } from "../resources/resource.ts";
import type { Services } from "../services.ts";
import { type AuditFacts, auditRecord, sizeOf } from "./record.ts";

export interface RecordWriterOptions extends Pick<Services, "store" | "config" | "newUid"> {
  resource: ServedResource;
  log: Logger;
  /** So many were not written. */
  onDropped: (count: number) => void;
  maxWaiting?: number;
  maxWaitingBytes?: number;
  retryMilliseconds?: number;
}

const defaultMaxWaiting = 20_000;
const defaultMaxWaitingBytes = 64 * 1024 * 1024;
const defaultRetryMilliseconds = 1000;
/** Committed together; more would hold up whoever shares the commit. */
const batchSize = 100;
const maxAttempts = 30;

export class RecordWriter {
  readonly #options: RecordWriterOptions;
  #waiting: AuditFacts[] = [];
  #bytes = 0;
  #writing: Promise<void> | undefined;
  #stopping = false;

  constructor(options: RecordWriterOptions) {
    this.#options = options;
  }

  /** Drops the fact when too many wait. */
  add(facts: AuditFacts): void {
    const { maxWaiting = defaultMaxWaiting, maxWaitingBytes = defaultMaxWaitingBytes, onDropped } = this.#options;
    const size = sizeOf(facts);
    if (this.#waiting.length >= maxWaiting || this.#bytes + size > maxWaitingBytes) {
      onDropped(1);
      return;
    }
    this.#waiting.push(facts);
    this.#bytes += size;
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when what was added has been written, or cannot be. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** The last try for what waits. */
  async close(): Promise<void> {
    this.#stopping = true;
    await this.flush();
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchSize);
      this.#bytes -= batch.reduce((sum, facts) => sum + sizeOf(facts), 0);
      await this.#write(batch);
    }
    this.#writing = undefined;
  }

  async #write(batch: readonly AuditFacts[]): Promise<void> {
    const { store, resource, retryMilliseconds = defaultRetryMilliseconds } = this.#options;
    let left = batch.flatMap((facts) => this.#objectOf(facts));
    for (let attempt = 1; left.length > 0; attempt++) {
      const outcomes = await Promise.allSettled(
        left.map(({ key, encoded }) => store.create({ ...resource.storage, ...key }, encoded)),
      );
      left = left.filter((_each, at) => {
        const outcome = outcomes[at];
        // An earlier try of ours, whose answer was lost.
        return outcome?.status === "rejected" && !isReason(outcome.reason, "AlreadyExists");
      });
      if (left.length === 0) return;
      if (attempt >= maxAttempts || this.#stopping) {
        this.#giveUp(left.length, outcomes);
        return;
      }
      await sleep(retryMilliseconds, undefined, { ref: false });
    }
  }

  #giveUp(count: number, outcomes: PromiseSettledResult<unknown>[]): void {
    const failed = outcomes.find((each): each is PromiseRejectedResult => each.status === "rejected");
    this.#options.log.error({ err: failed?.reason, count }, "audit events could not be written");
    this.#options.onDropped(count);
  }

  /** Nothing for a namespace that is not there or going: it would never become empty. */
  #objectOf(facts: AuditFacts) {
    const { config, resource, newUid, log, onDropped } = this.#options;
    const namespace = config.get(namespaceKind, { name: facts.target.namespace });
    if (namespace === undefined || isBeingDeleted(namespace)) return [];
    const spec = dig(facts.object ?? facts.old ?? {}, "spec", "organizationRef");
    const organization = labelsOf(namespace)[labels.org] ?? (typeof spec === "string" ? spec : undefined);
    if (organization === undefined) return [];
    try {
      const object = auditRecord(facts, organization, newUid());
      const { name, namespace: where } = object["metadata"] as { name: string; namespace: string };
      return [{ key: { name, namespace: where }, encoded: encodeFor(resource, object) }];
    } catch (err) {
      log.error({ err, requestID: facts.requestId }, "an audit event could not be made");
      onDropped(1);
      return [];
    }
  }
}
