/** What client-go counts of requests to the cluster's API server. Source: k8s.io/component-base/metrics/prometheus/restclient. */
import type { Metrics } from "@krate/telemetry/metrics";

export function clientMetrics(
  metrics: Metrics,
  host: string,
): (answer: { method: string; status: number | undefined; seconds: number }) => void {
  const requests = metrics.counter({
    name: "rest_client_requests_total",
    help: "Number of HTTP requests, partitioned by status code, method, and host.",
    labels: ["code", "method", "host"],
  });
  const seconds = metrics.histogram({
    name: "rest_client_request_duration_seconds",
    help: "Request latency in seconds. Broken down by verb, and host.",
    labels: ["verb", "host"],
  });
  return ({ method, status, seconds: took }) => {
    requests.inc({ code: status === undefined ? "<error>" : String(status), method, host });
    seconds.observe({ verb: method, host }, took);
  };
}
