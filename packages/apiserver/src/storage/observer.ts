import type { Metrics } from "@krate/telemetry/metrics";

/** Told what the Postgres store does, as it does it. Calls are synchronous and must not throw. */
export interface StorageObserver {
  /** A batch was committed, or failed to be. */
  committed(batch: { writes: number; seconds: number; failed: boolean }): void;
  /** A get or a page of a list was answered. */
  read(read: { operation: "get" | "list"; source: "memory" | "database" }): void;
  /** Which migrations the database has, and which this program wants. */
  schema(schema: { version: number; wanted: number }): void;
  /** How many things in the database are not as the migrations make them. */
  schemaDrift(differences: number): void;
  /** The state of this replica, about once a second. */
  state(state: { revision: bigint; cacheBytes: number; watchEvents: number }): void;
}

export const silentObserver: StorageObserver = { committed() {}, read() {}, schema() {}, schemaDrift() {}, state() {} };

/** The observer whose numbers stand in `/metrics`. */
export function storageMetrics(metrics: Metrics): StorageObserver {
  const commits = metrics.histogram({
    name: "krate_storage_commit_duration_seconds",
    help: "Seconds from sending a batch of writes to Postgres to its answer.",
    labels: ["result"],
  });
  const writes = metrics.counter({
    name: "krate_storage_writes_total",
    help: "Writes sent to Postgres; divided by the number of commits it is the size of a batch.",
  });
  const reads = metrics.counter({
    name: "krate_storage_reads_total",
    help: "Gets and pages of lists, by where the answer came from.",
    labels: ["operation", "source"],
  });
  const revision = metrics.gauge({
    name: "krate_storage_revision",
    help: "The newest revision this replica has seen; replicas that differ for long are cut off.",
  });
  const cache = metrics.gauge({ name: "krate_storage_cache_bytes", help: "Objects kept in memory for reads." });
  const window = metrics.gauge({ name: "krate_storage_window_events", help: "Events kept in memory for watches." });
  const version = metrics.gauge({
    name: "krate_storage_schema_version",
    help: "Number of the last migration the database has, and of the last one this program wants; apart, writes are refused.",
    labels: ["which"],
  });
  const drift = metrics.gauge({
    name: "krate_storage_schema_drift",
    help: "Differences of the database's schema from what the migrations make, found at the start; the log names them.",
  });
  return {
    committed(batch) {
      commits.observe({ result: batch.failed ? "error" : "success" }, batch.seconds);
      writes.inc(batch.writes);
    },
    read: (read) => reads.inc(read),
    schemaDrift: (differences) => drift.set(differences),
    schema(schema) {
      version.set({ which: "database" }, schema.version);
      version.set({ which: "program" }, schema.wanted);
    },
    state(state) {
      revision.set(Number(state.revision));
      cache.set(state.cacheBytes);
      window.set(state.watchEvents);
    },
  };
}
