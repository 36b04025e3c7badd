/** Source: k8s.io/apiserver/pkg/audit/metrics.go. */
import type { Metrics } from "@krate/telemetry/metrics";
import type { RequestObserver } from "../services.ts";

export function auditMetrics(metrics: Metrics): Pick<RequestObserver, "auditLevel" | "audited" | "auditFailed"> {
  const events = metrics.counter({
    name: "apiserver_audit_event_total",
    help: "Counter of audit events generated and sent to the audit backend.",
  });
  const levels = metrics.counter({
    name: "apiserver_audit_level_total",
    help: "Counter of policy levels for audit events (1 per request).",
    labels: ["level"],
  });
  const errors = metrics.counter({
    name: "apiserver_audit_error_total",
    help: "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
    labels: ["plugin"],
  });
  return {
    auditLevel: (level) => levels.inc({ level }),
    audited: () => events.inc(),
    auditFailed: (plugin, count) => errors.inc({ plugin }, count),
  };
}
