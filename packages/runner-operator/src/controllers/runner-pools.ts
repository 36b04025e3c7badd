/** How full a pool is (kinds.md §7.1, RUN-17 in part). */
import { type Controller, defineController, watch } from "@krate/controller";
import { isFalse, isTrue, Job, RunnerPool } from "@krate/kinds";
import { isFinished } from "../job/plan-job.ts";
import { jobsOfPool } from "./indexes.ts";

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

export function runnerPools(): Controller {
  return defineController({
    name: "runner-pools",
    for: RunnerPool,
    watches: [watch(Job, ({ metadata, spec }) => [{ namespace: metadata.namespace ?? "", name: spec.runnerPool }])],
    async reconcile({ metadata, spec }, { lister }) {
      const open = jobsOfPool(lister(Job), metadata.namespace ?? "", metadata.name ?? "").filter(
        (job) => !isFinished(job),
      );
      const busy = open.filter(({ status }) => status?.pod).length;
      const queueDepth = open.filter(({ status }) => status?.phase === "Queued").length;
      const warm = spec.warmReplicas ?? (spec.trustTier === "trusted" ? 2 : 0);
      const perReplica = spec.scaling?.jobsPerReplica ?? 1;
      const desired = clamp(Math.ceil((queueDepth + busy) / perReplica), warm, spec.maxReplicas);
      const saturated = busy >= spec.maxReplicas;
      const phaseOf = () => {
        if (spec.paused) return "Paused" as const;
        if (!supported) return "Degraded" as const;
        return saturated ? ("Saturated" as const) : ("Ready" as const);
      };
      const supported = (spec.executor?.type ?? "kubernetes") === "kubernetes";
      return {
        status: {
          phase: phaseOf(),
          replicas: { warm: 0, busy, total: busy, desired },
          queueDepth,
        },
        conditions: [
          supported
            ? isTrue("ExecutorReady", "Ready")
            : isFalse(
                "ExecutorReady",
                "NotSupported",
                `executor ${spec.executor?.type} is not supported yet: use kubernetes`,
              ),
          spec.paused
            ? isFalse("CapacityAvailable", "PoolPaused")
            : saturated
              ? isFalse("CapacityAvailable", "QueueSaturated")
              : isTrue("CapacityAvailable", "Available"),
          spec.paused
            ? isFalse("Ready", "Paused")
            : supported
              ? isTrue("Ready", "Ready")
              : isFalse("Ready", "Degraded"),
        ],
      };
    },
  });
}
