import { createMetrics, type Metrics } from "@krate/telemetry/metrics";
import { auditMetrics } from "./metrics/audit-metrics.ts";
import { flowMetrics } from "./metrics/flow-metrics.ts";
import { requestMetrics } from "./metrics/request-metrics.ts";
import type { NonResourceRoute, RequestObserver } from "./services.ts";
import { unknownPath } from "./stages/route.ts";

export interface ServerMetrics {
  observer: RequestObserver;
  /** `/metrics` */
  route: NonResourceRoute;
  metrics: Metrics;
}

/** Request metrics of the server and the route that shows them; other parts add theirs to `metrics`. */
export function serverMetrics(component = "apiserver"): ServerMetrics {
  const metrics = createMetrics({ component, processMetrics: true });
  return {
    metrics,
    observer: { ...requestMetrics(metrics), ...flowMetrics(metrics), ...auditMetrics(metrics) },
    route: {
      path: "/metrics",
      handle: async (ctx) => {
        if (ctx.exchange.method !== "GET") throw unknownPath();
        const body = Buffer.from(await metrics.render());
        ctx.response = { kind: "bytes", status: 200, contentType: metrics.contentType, body };
      },
    },
  };
}
