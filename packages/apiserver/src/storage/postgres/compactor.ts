import { type Log, translatePostgresError } from "@krate/postgres";
import { later } from "../revision.ts";
import type { Queryable } from "./connection.ts";
import { markCompacted, preparePartition, probeLog, type RetireStep, retirePartition } from "./sql/compact.ts";
import type { Head } from "./sql/read-head.ts";

export interface Retention {
  /** History kept at least this long, unless there is too much of it. @defaultValue 1 h */
  maxAgeMilliseconds: number;
  /** Revisions of history kept at most. @defaultValue 500,000 */
  maxRevisions: number;
  /** How often to look. @defaultValue 1 min */
  intervalMilliseconds: number;
}

export const defaultRetention: Retention = {
  maxAgeMilliseconds: 3_600_000,
  maxRevisions: 500_000,
  intervalMilliseconds: 60_000,
};

/** Lists may read for as long as a statement may take. */
const defaultGraceMilliseconds = 60_000;

const lockNotAvailable = "55P03";

/** A lock that was not free at once is a reason to wait for the next round. */
async function unlessBusy<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = (error as { cause?: { code?: string } }).cause ?? {};
    if (code === lockNotAvailable) return otherwise;
    throw error;
  }
}

export interface CompactorOptions {
  client: Queryable;
  readHead: () => Promise<Head>;
  retention: Retention;
  now: () => number;
  /** How long a partition stays after what is needed of it was copied. @defaultValue 1 min, longer than any statement */
  graceMilliseconds?: number;
  log: Log;
}

/**
 * Forgets history. First the line `compacted` moves, from then on nobody may read behind it. A partition of the log that lies
 * behind it as a whole is then retired, in two steps with a minute between them: what is still needed is copied, and it is
 * dropped. A crash in between loses nothing: the next round goes on.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.retain()
        .catch((error: unknown) => {
          if (!this.#stopped.signal.aborted) {
            this.#options.log.warn({ err: translatePostgresError(error) }, "compaction failed; trying again later");
          }
        })
        .finally(() => {
          if (!this.#stopped.signal.aborted) this.start();
        });
    }, this.#options.retention.intervalMilliseconds).unref();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  async compact(revision: bigint): Promise<void> {
    await markCompacted(this.#options.client, revision);
    let dropped = 0;
    for (let more = true; more && !this.#stopped.signal.aborted; ) {
      const step = await this.#retire();
      more = step === "kept" || step === "dropped";
      if (step === "dropped") dropped++;
    }
    if (dropped > 0) this.#options.log.info({ revision: String(revision), partitions: dropped }, "log compacted");
  }

  #retire(): Promise<RetireStep> {
    const { client, graceMilliseconds = defaultGraceMilliseconds } = this.#options;
    return unlessBusy(() => retirePartition(client, graceMilliseconds), "waiting");
  }

  /** One round of the background work: keeps a partition ready, forgets what is too old or too much. */
  async retain(): Promise<void> {
    const { readHead, retention, now } = this.#options;
    const head = await readHead();
    await unlessBusy(() => preparePartition(this.#options.client), undefined);
    const byCount = head.revision - BigInt(retention.maxRevisions);
    const time = new Date(now() - retention.maxAgeMilliseconds);
    const byAge = await lastBefore(this.#options.client, time, { after: head.compacted, upTo: head.revision });
    await this.compact(later(byAge, byCount));
  }
}

/**
 * The newest revision in (after, upTo] that was committed before a time, else `after`. Times rise with revisions, so a binary
 * search finds it without an index, also where compaction has left gaps.
 */
export async function lastBefore(
  client: Queryable,
  time: Date,
  { after, upTo }: { after: bigint; upTo: bigint },
): Promise<bigint> {
  let low = after;
  let high = upTo;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    const found = await probeLog(client, middle);
    if (found && found.revision <= high && found.committedAt < time) low = found.revision;
    else high = middle - 1n;
  }
  return low;
}
