/**
 * What kube-apiserver counts of requests, under its names and with its labels where the meaning is the same. Every label value comes from
 * a fixed list or from the resources that are served: a client cannot make series by inventing paths.
 * Source: k8s.io/apiserver/pkg/endpoints/metrics/metrics.go.
 */
import type { Metrics } from "@krate/telemetry/metrics";
import type { RequestContext } from "../context.ts";
import { isLongRunning } from "../long-running.ts";
import type { RequestObserver } from "../services.ts";
import { isWrite } from "../stages/audit.ts";
import { eventBytes, requestSeconds, responseBytes } from "./buckets.ts";

const target = ["verb", "group", "version", "resource", "subresource", "scope"] as const;
type TargetLabels = Record<(typeof target)[number], string>;

const reportedVerbs: Readonly<Record<string, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
  post: "POST",
  put: "PUT",
};
/** Paths that are not resources and are told apart; the others are one series. */
const reportedPath = /^\/(?:healthz|livez|readyz|metrics|version|openapi\/v2|openapi\/v3)(?=\/|$)/;

function targetOf(ctx: RequestContext): TargetLabels {
  const { info, resource } = ctx;
  const verb = reportedVerbs[info.verb] ?? "other";
  if (!info.isResource || resource === undefined) {
    const subresource = info.isResource ? "" : (reportedPath.exec(info.path)?.[0] ?? "");
    return { verb, group: "", version: "", resource: "", subresource, scope: "" };
  }
  const { group, version, subresource, name, namespace } = info;
  const isKnown = subresource === "" || subresource === "status" || resource.subresources.has(subresource);
  return {
    verb: ctx.applied ? "APPLY" : subresource === "log" && verb === "GET" ? "CONNECT" : verb,
    group,
    version,
    resource: info.resource,
    subresource: isKnown ? subresource : "",
    scope: name !== "" || info.verb === "create" ? "resource" : namespace !== "" ? "namespace" : "cluster",
  };
}

const kindOf = (ctx: RequestContext) => ({ request_kind: isWrite(ctx) ? "mutating" : "readOnly" });

export function requestMetrics(
  metrics: Metrics,
): Pick<RequestObserver, "finished" | "working" | "rested" | "watchEvents" | "authenticated" | "authorized"> {
  const requests = metrics.counter({
    name: "apiserver_request_total",
    help: "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
    labels: [...target, "dry_run", "code"],
  });
  const durations = metrics.histogram({
    name: "apiserver_request_duration_seconds",
    help: "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
    labels: [...target, "dry_run"],
    buckets: requestSeconds,
  });
  const sizes = metrics.histogram({
    name: "apiserver_response_sizes",
    help: "Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
    labels: [...target],
    buckets: responseBytes,
  });
  const inflight = metrics.gauge({
    name: "apiserver_current_inflight_requests",
    help: "Requests that are being worked on, by kind.",
    labels: ["request_kind"],
  });
  const longRunning = metrics.gauge({
    name: "apiserver_longrunning_requests",
    help: "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
    labels: [...target],
  });
  const terminations = metrics.counter({
    name: "apiserver_request_terminations_total",
    help: "Number of requests which apiserver terminated in self-defense.",
    labels: [...target, "code"],
  });
  const events = metrics.counter({
    name: "apiserver_watch_events_total",
    help: "Number of events sent in watch clients",
    labels: ["group", "version", "resource"],
  });
  const eventSizes = metrics.histogram({
    name: "apiserver_watch_events_sizes",
    help: "Watch event size distribution in bytes",
    labels: ["group", "version", "resource"],
    buckets: eventBytes,
  });
  const authentications = metrics.counter({
    name: "authentication_attempts",
    help: "Counter of authenticated attempts.",
    labels: ["result"],
  });
  const users = metrics.counter({
    name: "authenticated_user_requests",
    help: "Counter of authenticated requests broken out by username.",
    labels: ["username"],
  });
  const authorizations = metrics.counter({
    name: "authorization_attempts_total",
    help: "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
    labels: ["result"],
  });
  return {
    finished(ctx, seconds) {
      const labels = targetOf(ctx);
      const dryRun = ctx.options?.dryRun === true ? "All" : "";
      requests.inc({ ...labels, dry_run: dryRun, code: String(ctx.status) });
      if (isTerminated(ctx.status)) terminations.inc({ ...labels, code: String(ctx.status) });
      if (isLongRunning(ctx)) return;
      durations.observe({ ...labels, dry_run: dryRun }, seconds);
      if (labels.verb === "GET" || labels.verb === "LIST") sizes.observe(labels, ctx.responseBytes);
    },
    working(ctx) {
      if (isLongRunning(ctx)) longRunning.inc(targetOf(ctx));
      else inflight.inc(kindOf(ctx));
    },
    rested(ctx) {
      if (isLongRunning(ctx)) longRunning.dec(targetOf(ctx));
      else inflight.dec(kindOf(ctx));
    },
    watchEvents(ctx, { count, bytes }) {
      if (count === 0) return;
      const { group, version, resource } = targetOf(ctx);
      events.inc({ group, version, resource }, count);
      eventSizes.observe({ group, version, resource }, bytes / count);
    },
    authenticated(result, user) {
      authentications.inc({ result });
      if (user !== undefined) users.inc({ username: compressedUser(user) });
    },
    authorized: (result) => authorizations.inc({ result }),
  };
}

const isTerminated = (status: number) => status === 429 || status === 503 || status === 504;

/** As kube-apiserver does it: names of people are not labels. */
function compressedUser(name: string): string {
  return name === "admin" || name === "system:anonymous" || name === "system:kube-controller-manager" ? name : "other";
}
