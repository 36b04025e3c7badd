/**
 * What kube-apiserver counts of requests, under its names and with its labels where the meaning is the same. Every label value comes from
 * a fixed list or from the resources that are served: a client cannot make series by inventing paths.
 * Source: k8s.io/apiserver/pkg/endpoints/metrics/metrics.go.
 */
import type { Distribution, Metrics, Tally } from "@krate/telemetry/metrics";
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

type Target = (typeof target)[number];

/** The series of one verb on one resource, looked up by a text: a request has no time to sort labels. */
interface TargetSeries {
  seconds: Distribution;
  bytes: Distribution | undefined;
  longRunning: Tally;
  /** By status code. */
  total: Map<number, Tally>;
  terminated: Map<number, Tally>;
}

export function requestMetrics(
  metrics: Metrics,
): Pick<RequestObserver, "finished" | "working" | "rested" | "watchEvents" | "authenticated" | "authorized"> {
  const requests = metrics.counterSeries<Target | "dry_run" | "code">({
    name: "apiserver_request_total",
    help: "Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.",
    labels: [...target, "dry_run", "code"],
  });
  const durations = metrics.histogramSeries<Target | "dry_run">({
    name: "apiserver_request_duration_seconds",
    help: "Response latency distribution in seconds for each verb, dry run value, group, version, resource, subresource, scope and component.",
    labels: [...target, "dry_run"],
    buckets: requestSeconds,
  });
  const sizes = metrics.histogramSeries<Target>({
    name: "apiserver_response_sizes",
    help: "Response size distribution in bytes for each group, version, verb, resource, subresource, scope and component.",
    labels: target,
    buckets: responseBytes,
  });
  const inflight = metrics.gaugeSeries<"request_kind">({
    name: "apiserver_current_inflight_requests",
    help: "Requests that are being worked on, by kind.",
    labels: ["request_kind"],
  });
  const longRunning = metrics.gaugeSeries<Target>({
    name: "apiserver_longrunning_requests",
    help: "Gauge of all active long-running apiserver requests broken out by verb, group, version, resource, scope and component. Not all requests are tracked this way.",
    labels: target,
  });
  const terminations = metrics.counterSeries<Target | "code">({
    name: "apiserver_request_terminations_total",
    help: "Number of requests which apiserver terminated in self-defense.",
    labels: [...target, "code"],
  });
  const [mutating, readOnly] = ["mutating", "readOnly"].map((kind) => inflight.with({ request_kind: kind })) as [
    Tally,
    Tally,
  ];
  const known = new Map<string, TargetSeries & { labels: TargetLabels; dryRun: string }>();
  const seriesOf = (ctx: RequestContext) => {
    const labels = targetOf(ctx);
    const dryRun = ctx.options?.dryRun === true ? "All" : "";
    const key = `${labels.verb} ${labels.group}/${labels.version}/${labels.resource}/${labels.subresource} ${labels.scope}${dryRun}`;
    let found = known.get(key);
    if (found === undefined) {
      const answers = labels.verb === "GET" || labels.verb === "LIST";
      found = {
        labels,
        dryRun,
        seconds: isLongRunning(ctx) ? nothing : durations.with({ ...labels, dry_run: dryRun }),
        bytes: answers && !isLongRunning(ctx) ? sizes.with(labels) : undefined,
        longRunning: isLongRunning(ctx) ? longRunning.with(labels) : { value: 0 },
        total: new Map(),
        terminated: new Map(),
      };
      known.set(key, found);
    }
    return found;
  };
  const working = (ctx: RequestContext, step: 1 | -1) => {
    const tally = isLongRunning(ctx) ? seriesOf(ctx).longRunning : isWrite(ctx) ? mutating : readOnly;
    tally.value += step;
  };
  return {
    ...watchMetrics(metrics),
    ...accessMetrics(metrics),
    finished(ctx, seconds) {
      const { status } = ctx;
      const series = seriesOf(ctx);
      const { labels, dryRun } = series;
      count(series.total, status, (code) => requests.with({ ...labels, dry_run: dryRun, code }));
      if (isTerminated(status)) count(series.terminated, status, (code) => terminations.with({ ...labels, code }));
      series.seconds.observe(seconds);
      series.bytes?.observe(ctx.responseBytes);
    },
    working: (ctx) => working(ctx, 1),
    rested: (ctx) => working(ctx, -1),
  };
}

const nothing: Distribution = { observe() {} };

function count(tallies: Map<number, Tally>, status: number, make: (code: string) => Tally): void {
  let tally = tallies.get(status);
  if (tally === undefined) {
    tally = make(String(status));
    tallies.set(status, tally);
  }
  tally.value++;
}

function watchMetrics(metrics: Metrics): Pick<RequestObserver, "watchEvents"> {
  const labels = ["group", "version", "resource"] as const;
  const events = metrics.counterSeries({
    name: "apiserver_watch_events_total",
    help: "Number of events sent in watch clients",
    labels,
  });
  const sizes = metrics.histogramSeries({
    name: "apiserver_watch_events_sizes",
    help: "Watch event size distribution in bytes",
    labels,
    buckets: eventBytes,
  });
  return {
    watchEvents(ctx) {
      const { group, version, resource } = ctx.target;
      const sent = events.with({ group, version, resource });
      const size = sizes.with({ group, version, resource });
      return (count, bytes) => {
        sent.value += count;
        size.observe(bytes / count);
      };
    },
  };
}

function accessMetrics(metrics: Metrics): Pick<RequestObserver, "authenticated" | "authorized"> {
  const authentications = metrics.counterSeries<"result">({
    name: "authentication_attempts",
    help: "Counter of authenticated attempts.",
    labels: ["result"],
  });
  const users = metrics.counterSeries<"username">({
    name: "authenticated_user_requests",
    help: "Counter of authenticated requests broken out by username.",
    labels: ["username"],
  });
  const authorizations = metrics.counterSeries<"result">({
    name: "authorization_attempts_total",
    help: "Counter of authorization attempts broken down by result. It can be either 'allowed', 'denied', 'no-opinion' or 'error'.",
    labels: ["result"],
  });
  return {
    authenticated(result, user) {
      authentications.with({ result }).value++;
      if (user !== undefined) users.with({ username: compressedUser(user) }).value++;
    },
    authorized(result) {
      authorizations.with({ result }).value++;
    },
  };
}

const isTerminated = (status: number) => status === 429 || status === 503 || status === 504;

/** As kube-apiserver does it: names of people are not labels. */
function compressedUser(name: string): string {
  return name === "admin" || name === "system:anonymous" || name === "system:kube-controller-manager" ? name : "other";
}
