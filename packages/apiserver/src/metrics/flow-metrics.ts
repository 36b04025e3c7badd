/** Priority and fairness under kube-apiserver's names. Source: k8s.io/apiserver/pkg/util/flowcontrol/metrics/metrics.go. */
import type { Metrics } from "@krate/telemetry/metrics";
import type { RequestObserver } from "../services.ts";
import { seatCounts, waitSeconds } from "./buckets.ts";

const flow = ["priority_level", "flow_schema"] as const;

export function flowMetrics(
  metrics: Metrics,
): Pick<RequestObserver, "levels" | "queued" | "seated" | "left" | "refused"> {
  const rejected = metrics.counter({
    name: "apiserver_flowcontrol_rejected_requests_total",
    help: "Number of requests rejected by API Priority and Fairness subsystem",
    labels: [...flow, "reason"],
  });
  const dispatched = metrics.counter({
    name: "apiserver_flowcontrol_dispatched_requests_total",
    help: "Number of requests executed by API Priority and Fairness subsystem",
    labels: flow,
  });
  const inQueue = metrics.gauge({
    name: "apiserver_flowcontrol_current_inqueue_requests",
    help: "Number of requests currently pending in queues of the API Priority and Fairness subsystem",
    labels: flow,
  });
  const executing = metrics.gauge({
    name: "apiserver_flowcontrol_current_executing_requests",
    help: "Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem",
    labels: flow,
  });
  const executingSeats = metrics.gauge({
    name: "apiserver_flowcontrol_current_executing_seats",
    help: "Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem",
    labels: flow,
  });
  const waits = metrics.histogram({
    name: "apiserver_flowcontrol_request_wait_duration_seconds",
    help: "Length of time a request spent waiting in its queue",
    labels: [...flow, "execute"],
    buckets: waitSeconds,
  });
  const work = metrics.histogram({
    name: "apiserver_flowcontrol_work_estimated_seats",
    help: "Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness",
    labels: flow,
    buckets: seatCounts,
  });
  const nominal = metrics.gauge({
    name: "apiserver_flowcontrol_nominal_limit_seats",
    help: "Nominal number of execution seats configured for each priority level",
    labels: ["priority_level"],
  });
  return {
    levels(seats) {
      for (const [name, count] of Object.entries(seats)) nominal.set({ priority_level: name }, count);
    },
    queued: (labels) => inQueue.inc(labels),
    seated(labels, outcome) {
      if (outcome.waited) inQueue.dec(labels);
      dispatched.inc(labels);
      executing.inc(labels);
      executingSeats.inc(labels, outcome.seats);
      if (outcome.seats === 0) return;
      work.observe(labels, outcome.seats);
      waits.observe({ ...labels, execute: "true" }, outcome.waitSeconds);
    },
    left(labels, seats) {
      executing.dec(labels);
      executingSeats.dec(labels, seats);
    },
    refused(labels, { reason, waited, waitSeconds: seconds }) {
      if (waited) inQueue.dec(labels);
      rejected.inc({ ...labels, reason });
      waits.observe({ ...labels, execute: "false" }, seconds);
    },
  };
}
