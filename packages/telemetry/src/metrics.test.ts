import { expect, test } from "@jest/globals";
import { createMetrics } from "./metrics.ts";

test("a registry renders its own metrics with the component label", async () => {
  const metrics = createMetrics({ component: "git-gateway" });
  metrics.counter({ name: "krate_pushes_total", help: "Pushes.", labels: ["decision"] }).inc({ decision: "allow" });
  expect(await metrics.render()).toBe(
    [
      "# HELP krate_pushes_total Pushes.",
      "# TYPE krate_pushes_total counter",
      'krate_pushes_total{decision="allow",component="git-gateway"} 1',
      "",
    ].join("\n"),
  );
});

test("two components in one process do not share names", async () => {
  const definition = { name: "krate_queue_depth", help: "Depth." };
  createMetrics({ component: "a" }).gauge(definition).set(1);
  const second = createMetrics({ component: "b" });
  second.gauge(definition).set(2);
  expect(await second.render()).toContain('krate_queue_depth{component="b"} 2');
});

test("a histogram counts in seconds", async () => {
  const metrics = createMetrics({ component: "x" });
  metrics.histogram({ name: "krate_push_duration_seconds", help: "Duration.", buckets: [0.1, 1] }).observe(0.5);
  expect(await metrics.render()).toContain('krate_push_duration_seconds_bucket{le="1",component="x"} 1');
});

test("series look like prom-client's own", async () => {
  const both = [createMetrics({ component: "x" }), createMetrics({ component: "x" })] as const;
  const name = { name: "krate_a_total", help: 'Says "a".', labels: ["k", "l"] } as const;
  both[0].counter(name).inc({ k: "1", l: "a b" }, 2);
  both[1].counterSeries(name).with({ k: "1", l: "a b" }).value += 2;
  const gauge = { name: "krate_b", help: "B." } as const;
  both[0].gauge(gauge).set(-1);
  both[1].gaugeSeries(gauge).with({}).value = -1;
  const histogram = { name: "krate_c_seconds", help: "C.", labels: ["k"], buckets: [0.1, 1] } as const;
  const [theirs, ours] = [both[0].histogram(histogram), both[1].histogramSeries(histogram)];
  for (const value of [0.05, 0.1, 0.5, 5]) {
    theirs.observe({ k: "x" }, value);
    ours.with({ k: "x" }).observe(value);
  }
  const shown = async (at: 0 | 1) =>
    (await both[at].render()).replace(/\{(.*)\}/g, (_all, labels: string) => labels.split(",").sort().join());
  expect(await shown(1)).toBe(await shown(0));
  expect(await both[1].render()).toContain('krate_c_seconds_bucket{le="1",k="x",component="x"} 3');
});

test("a name is taken once", () => {
  const metrics = createMetrics({ component: "x" });
  metrics.counterSeries({ name: "krate_a_total", help: "A." });
  expect(() => metrics.gaugeSeries({ name: "krate_a_total", help: "A." })).toThrow("already been registered");
});
