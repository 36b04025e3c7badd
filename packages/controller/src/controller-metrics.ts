/** Metrics under the names controller-runtime gave them, so that its dashboards work. */
import type { Metrics } from "@krate/telemetry/metrics";

export interface ControllerMetrics {
  depth(name: string, depth: number): void;
  added(name: string): void;
  waited(name: string, seconds: number): void;
  reconciled(name: string, result: "success" | "error" | "requeue" | "requeue_after", seconds: number): void;
  retried(name: string): void;
  panicked(name: string): void;
  leader(name: string, leading: boolean): void;
}

export const noMetrics: ControllerMetrics = {
  depth: () => undefined,
  added: () => undefined,
  waited: () => undefined,
  reconciled: () => undefined,
  retried: () => undefined,
  panicked: () => undefined,
  leader: () => undefined,
};

export function controllerMetrics(metrics: Metrics): ControllerMetrics {
  const byName = ["name"] as const;
  const byController = ["controller"] as const;
  const depth = metrics.gauge({ name: "workqueue_depth", help: "Keys waiting", labels: byName });
  const adds = metrics.counter({ name: "workqueue_adds_total", help: "Keys added", labels: byName });
  const retries = metrics.counter({ name: "workqueue_retries_total", help: "Keys retried", labels: byName });
  const waited = metrics.histogram({
    name: "workqueue_queue_duration_seconds",
    help: "Time a key waited for a worker",
    labels: byName,
  });
  const worked = metrics.histogram({
    name: "controller_runtime_reconcile_time_seconds",
    help: "Time a reconcile took",
    labels: byController,
  });
  const total = metrics.counter({
    name: "controller_runtime_reconcile_total",
    help: "Reconciles by result",
    labels: ["controller", "result"] as const,
  });
  const errors = metrics.counter({
    name: "controller_runtime_reconcile_errors_total",
    help: "Reconciles that failed",
    labels: byController,
  });
  const panics = metrics.counter({
    name: "controller_runtime_reconcile_panics_total",
    help: "Errors outside the contract",
    labels: byController,
  });
  const leader = metrics.gauge({ name: "leader_election_master_status", help: "1 while leading", labels: byName });
  return {
    depth: (name, value) => depth.set({ name }, value),
    added: (name) => adds.inc({ name }),
    waited: (name, seconds) => waited.observe({ name }, seconds),
    reconciled(controller, result, seconds) {
      total.inc({ controller, result });
      worked.observe({ controller }, seconds);
      if (result === "error") errors.inc({ controller });
    },
    retried: (name) => retries.inc({ name }),
    panicked: (controller) => panics.inc({ controller }),
    leader: (name, leading) => leader.set({ name }, leading ? 1 : 0),
  };
}
