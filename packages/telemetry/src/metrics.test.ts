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
