/**
 * Counters, gauges and histograms for what happens with every request: a series is looked up once and then costs an addition, where a prom-client
 * metric sorts and joins its labels each time (0.8 µs each; a request has a dozen). They are shown by prom-client's registry like all others.
 */

/** One series of a counter or gauge: add to `value`. */
export interface Tally {
  value: number;
}

/** One series of a histogram. */
export interface Distribution {
  observe(value: number): void;
}

/** The series of a metric by their labels. */
export interface Series<Label extends string, Handle> {
  /** Made by its first use, the same one from then on: keep it. */
  with(labels: Readonly<Record<Label, string>>): Handle;
}

/** What prom-client's registry asks a metric for. */
export interface ShownMetric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly aggregator: "sum";
  readonly values: ShownValue[];
}

interface ShownValue {
  metricName?: string;
  labels: Record<string, string | number>;
  value: number;
}

interface Definition<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

class SeriesMap<Label extends string, Handle> implements Series<Label, Handle> {
  readonly #labels: readonly Label[];
  readonly #make: () => Handle;
  readonly #byKey = new Map<string, { labels: Record<string, string>; handle: Handle }>();

  constructor(labels: readonly Label[], make: () => Handle) {
    this.#labels = labels;
    this.#make = make;
  }

  with(labels: Readonly<Record<Label, string>>): Handle {
    const key = this.#labels.map((label) => labels[label]).join("\0");
    let known = this.#byKey.get(key);
    if (known === undefined) {
      const own = Object.fromEntries(this.#labels.map((label) => [label, labels[label]]));
      known = { labels: own, handle: this.#make() };
      this.#byKey.set(key, known);
    }
    return known.handle;
  }

  all(): Iterable<{ labels: Record<string, string>; handle: Handle }> {
    return this.#byKey.values();
  }
}

/** Without labels it is there from the start, at 0. */
export function tallies<Label extends string>(
  { name, help, labels = [] }: Definition<Label>,
  type: "counter" | "gauge",
): Series<Label, Tally> & { show(): ShownMetric } {
  const map = new SeriesMap<Label, Tally>(labels, () => ({ value: 0 }));
  if (labels.length === 0) map.with({} as Record<Label, string>);
  return {
    with: (values) => map.with(values),
    show: () => ({
      name,
      help,
      type,
      aggregator: "sum",
      values: [...map.all()].map(({ labels: own, handle }) => ({ labels: own, value: handle.value })),
    }),
  };
}

class Buckets implements Distribution {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const { bounds } = this;
    for (let at = 0; at < bounds.length; at++) {
      if (value <= (bounds[at] as number)) {
        this.counts[at] = (this.counts[at] as number) + 1;
        return;
      }
    }
  }
}

export function distributions<Label extends string>(
  { name, help, labels = [] }: Definition<Label>,
  bounds: readonly number[],
): Series<Label, Distribution> & { show(): ShownMetric } {
  const map = new SeriesMap<Label, Buckets>(labels, () => new Buckets(bounds));
  return {
    with: (values) => map.with(values),
    show: () => ({
      name,
      help,
      type: "histogram",
      aggregator: "sum",
      values: [...map.all()].flatMap(({ labels: own, handle }) => shownBuckets(name, own, handle)),
    }),
  };
}

function shownBuckets(
  name: string,
  labels: Record<string, string>,
  { bounds, counts, sum, count }: Buckets,
): ShownValue[] {
  let upTo = 0;
  const buckets = bounds.map((le, at) => {
    upTo += counts[at] as number;
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: upTo };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
