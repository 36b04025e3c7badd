/** What merge queues of all repositories did together: names of repositories are no labels, for there is no bound to them. */
import type { Metrics } from "@krate/telemetry/metrics";
import { landedBetween } from "./news.ts";
import { candidateOf, type QueueState } from "./state.ts";

export interface QueueMetrics {
  /** Of one queue, whenever it was looked at. */
  depth(queue: string, depth: number): void;
  forget(queue: string): void;
  changed(before: QueueState, after: QueueState, now: Date): void;
  effect(kind: string): void;
}

const waitBucketsSeconds = [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400];

export function queueMetrics(metrics: Metrics): QueueMetrics {
  const depth = metrics.gauge({ name: "krate_merge_queue_depth", help: "Pull requests in all merge queues." });
  const left = metrics.counter({
    name: "krate_merge_queue_left_total",
    help: "Pull requests that left a merge queue by its doing: Landed, or why they were sent back.",
    labels: ["reason"],
  });
  const candidates = metrics.counter({
    name: "krate_merge_queue_candidates_total",
    help: "Candidate commits that were tested; bisecting: because one with more pull requests failed.",
    labels: ["bisecting"],
  });
  const rebuilt = metrics.counter({
    name: "krate_merge_queue_rebuilt_total",
    help: "Batches given up because the branch or a member moved.",
  });
  const waited = metrics.histogram({
    name: "krate_merge_queue_wait_seconds",
    help: "From queued to landed.",
    buckets: waitBucketsSeconds,
  });
  const effects = metrics.counter({
    name: "krate_merge_queue_effects_total",
    help: "Effects on refs and pull requests, by kind.",
    labels: ["kind"],
  });
  const depths = new Map<string, number>();
  const show = () => depth.set([...depths.values()].reduce((sum, each) => sum + each, 0));
  return {
    depth(queue, count) {
      depths.set(queue, count);
      show();
    },
    forget(queue) {
      depths.delete(queue);
      show();
    },
    changed(before, after, now) {
      for (const { queuedAt } of landedBetween(before, after)) {
        left.inc({ reason: "Landed" });
        waited.observe(Math.max(0, now.getTime() - Date.parse(queuedAt)) / 1000);
      }
      const phases = new Map(before.entries.map(({ uid, phase }) => [uid, phase]));
      for (const { uid, phase, reason = "" } of after.entries)
        if (phase === "Leaving" && phases.get(uid) !== "Leaving") left.inc({ reason });
      const { batch } = after;
      if (batch && (!before.batch || candidateOf(before.batch).commit !== candidateOf(batch).commit))
        candidates.inc({ bisecting: String(batch.bad !== undefined) });
      if (before.batch && !batch && after.entries.some(({ reason }) => reason === "Rebuilding")) rebuilt.inc();
    },
    effect: (kind) => effects.inc({ kind }),
  };
}
