import { createMetrics, type Metrics } from "@krate/telemetry/metrics";
import type { RequestContext } from "./context.ts";
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
  const duration = metrics.histogram({
    name: "krate_apiserver_request_duration_seconds",
    help: "Seconds from request to answer, by verb, resource and status code; watches and logs are not counted.",
    labels: ["verb", "group", "resource", "subresource", "code"],
  });
  const watches = metrics.counter({
    name: "krate_apiserver_watches_total",
    help: "Watches that have ended.",
    labels: ["group", "resource"],
  });
  const finished = (ctx: RequestContext, seconds: number): void => {
    const { info } = ctx;
    if (!info.isResource) return;
    const { verb, group, resource, subresource } = info;
    if (ctx.resource === undefined) return;
    if (verb === "watch") watches.inc({ group, resource });
    else duration.observe({ verb, group, resource, subresource, code: String(ctx.status) }, seconds);
  };
  return {
    metrics,
    observer: { finished },
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
