/**
 * Prometheus metrics by prom-client, in an entry of their own: importing it costs 7 to 13 MiB, which a program that serves
 * no `/metrics` should not pay.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type Distribution, distributions, type Series, type ShownMetric, type Tally, tallies } from "./series.ts";

export type { Counter, Distribution, Gauge, Histogram, Series, Tally };

/** Seconds; from a warm GET (0.3 ms) to a push that waits for a scan. Five per decade would cost double the series. */
export const latencyBucketsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

export interface MetricDefinition<Label extends string> {
  /** Full name with unit, Prometheus style: `krate_push_duration_seconds`, `krate_deliveries_total`. */
  name: string;
  help: string;
  labels?: readonly Label[];
}

/** The metrics of one component. Each carries the label `component`; no global registry, so two in one process do not clash. */
export interface Metrics {
  counter<Label extends string>(definition: MetricDefinition<Label>): Counter<Label>;
  gauge<Label extends string>(definition: MetricDefinition<Label>): Gauge<Label>;
  /** Durations in seconds. */
  histogram<Label extends string>(
    definition: MetricDefinition<Label> & { buckets?: readonly number[] },
  ): Histogram<Label>;
  /** The three again, for what every request counts: `series.ts`. */
  counterSeries<Label extends string>(definition: MetricDefinition<Label>): Series<Label, Tally>;
  gaugeSeries<Label extends string>(definition: MetricDefinition<Label>): Series<Label, Tally>;
  histogramSeries<Label extends string>(
    definition: MetricDefinition<Label> & { buckets?: readonly number[] },
  ): Series<Label, Distribution>;
  /** The body of `/metrics`; its type is {@link Metrics.contentType}. */
  render(): Promise<string>;
  readonly contentType: string;
}

export interface MetricsOptions {
  component: string;
  /** Also collect memory, CPU, event-loop lag and garbage collection of this process: for one registry per process. @defaultValue false */
  processMetrics?: boolean;
}

/** @throws (from the three constructors) when a name is taken or not a Prometheus name. */
export function createMetrics({ component, processMetrics = false }: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ component });
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const common = <Label extends string>({ name, help, labels = [] }: MetricDefinition<Label>) => ({
    name,
    help,
    labelNames: labels,
    registers: [registry],
  });
  /** The registry asks a metric for no more than this. */
  const shown = <T extends { show(): ShownMetric }>(series: T): T => {
    const { name, help } = series.show();
    registry.registerMetric({ name, help, get: async () => series.show() } as unknown as Counter);
    return series;
  };
  return {
    counter: (definition) => new Counter(common(definition)),
    gauge: (definition) => new Gauge(common(definition)),
    histogram: (definition) =>
      new Histogram({ ...common(definition), buckets: [...(definition.buckets ?? latencyBucketsSeconds)] }),
    counterSeries: (definition) => shown(tallies(definition, "counter")),
    gaugeSeries: (definition) => shown(tallies(definition, "gauge")),
    histogramSeries: (definition) => shown(distributions(definition, definition.buckets ?? latencyBucketsSeconds)),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
