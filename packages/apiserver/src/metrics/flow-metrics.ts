/** Priority and fairness under kube-apiserver's names. Source: k8s.io/apiserver/pkg/util/flowcontrol/metrics/metrics.go. */
import type { Distribution, Metrics, Tally } from "@krate/telemetry/metrics";
import type { FlowLabels, RequestObserver } from "../services.ts";
import { seatCounts, waitSeconds } from "./buckets.ts";

const flow = ["priority_level", "flow_schema"] as const;

interface FlowSeries {
  dispatched: Tally;
  inQueue: Tally;
  executing: Tally;
  seats: Tally;
  waits: Distribution;
  waitsInVain: Distribution;
  work: Distribution;
}

export function flowMetrics(
  metrics: Metrics,
): Pick<RequestObserver, "levels" | "queued" | "seated" | "left" | "refused"> {
  const rejected = metrics.counterSeries({
    name: "apiserver_flowcontrol_rejected_requests_total",
    help: "Number of requests rejected by API Priority and Fairness subsystem",
    labels: [...flow, "reason"],
  });
  const nominal = metrics.gaugeSeries({
    name: "apiserver_flowcontrol_nominal_limit_seats",
    help: "Nominal number of execution seats configured for each priority level",
    labels: ["priority_level"],
  });
  const seriesOf = flowSeries(metrics);
  return {
    levels(seats) {
      for (const [name, count] of Object.entries(seats)) nominal.with({ priority_level: name }).value = count;
    },
    queued(labels) {
      seriesOf(labels).inQueue.value++;
    },
    seated(labels, outcome) {
      const series = seriesOf(labels);
      if (outcome.waited) series.inQueue.value--;
      series.dispatched.value++;
      series.executing.value++;
      series.seats.value += outcome.seats;
      if (outcome.seats === 0) return;
      series.work.observe(outcome.seats);
      series.waits.observe(outcome.waitSeconds);
    },
    left(labels, seats) {
      const series = seriesOf(labels);
      series.executing.value--;
      series.seats.value -= seats;
    },
    refused(labels, { reason, waited, waitSeconds: seconds }) {
      const series = seriesOf(labels);
      if (waited) series.inQueue.value--;
      rejected.with({ ...labels, reason }).value++;
      series.waitsInVain.observe(seconds);
    },
  };
}

/** The labels of a schema are one object (`stages/limit.ts`), so its series are found by it. */
function flowSeries(metrics: Metrics): (labels: FlowLabels) => FlowSeries {
  const dispatched = metrics.counterSeries({
    name: "apiserver_flowcontrol_dispatched_requests_total",
    help: "Number of requests executed by API Priority and Fairness subsystem",
    labels: flow,
  });
  const inQueue = metrics.gaugeSeries({
    name: "apiserver_flowcontrol_current_inqueue_requests",
    help: "Number of requests currently pending in queues of the API Priority and Fairness subsystem",
    labels: flow,
  });
  const executing = metrics.gaugeSeries({
    name: "apiserver_flowcontrol_current_executing_requests",
    help: "Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem",
    labels: flow,
  });
  const seats = metrics.gaugeSeries({
    name: "apiserver_flowcontrol_current_executing_seats",
    help: "Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem",
    labels: flow,
  });
  const waits = metrics.histogramSeries({
    name: "apiserver_flowcontrol_request_wait_duration_seconds",
    help: "Length of time a request spent waiting in its queue",
    labels: [...flow, "execute"],
    buckets: waitSeconds,
  });
  const work = metrics.histogramSeries({
    name: "apiserver_flowcontrol_work_estimated_seats",
    help: "Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness",
    labels: flow,
    buckets: seatCounts,
  });
  const known = new WeakMap<FlowLabels, FlowSeries>();
  return (labels) => {
    let found = known.get(labels);
    if (found === undefined) {
      found = {
        dispatched: dispatched.with(labels),
        inQueue: inQueue.with(labels),
        executing: executing.with(labels),
        seats: seats.with(labels),
        waits: waits.with({ ...labels, execute: "true" }),
        waitsInVain: waits.with({ ...labels, execute: "false" }),
        work: work.with(labels),
      };
      known.set(labels, found);
    }
    return found;
  };
}
