/**
 * Metrics of admission, with kube-apiserver's names, so that its dashboards work.
 * Source: k8s.io/apiserver/pkg/admission/metrics/metrics.go.
 */
import type { Metrics } from "@krate/telemetry/metrics";

export interface WebhookLabels {
  /** Of the webhook. */
  name: string;
  type: "admit" | "validating";
  operation: string;
}

export interface ConditionLabels extends WebhookLabels {
  kind: "webhook" | "policy";
}

export type RejectionType = "calling_webhook_error" | "apiserver_internal_error" | "no_error";

export interface AdmissionMetrics {
  /** Once per call. `code`: 200 when it was allowed. */
  called(labels: WebhookLabels, outcome: { seconds: number; rejected: boolean; code: number }): void;
  rejected(labels: WebhookLabels, type: RejectionType, code: number): void;
  failedOpen(labels: WebhookLabels): void;
  conditionsEvaluated(labels: ConditionLabels, seconds: number): void;
  conditionFailed(labels: ConditionLabels): void;
  excludedByCondition(labels: ConditionLabels): void;
  /** Once per denial, ignored failure or mutation. */
  policyChecked(type: "validating" | "mutating", labels: PolicyLabels, seconds: number): void;
}

export interface PolicyLabels {
  policy: string;
  policy_binding: string;
  error_type: string;
  /** allow, deny, warn, audit. */
  enforcement_action: string;
}

const policyBuckets = [0.0000005, 0.001, 0.01, 0.1, 1];
const webhookBuckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
const conditionBuckets = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25];
/** Keeps the number of series bounded whatever a webhook answers. */
const maxCode = 600;

export function admissionMetrics(metrics: Metrics): AdmissionMetrics {
  const duration = metrics.histogram({
    name: "apiserver_admission_webhook_admission_duration_seconds",
    help: "Seconds one call of an admission webhook took.",
    labels: ["name", "type", "operation", "rejected"],
    buckets: webhookBuckets,
  });
  const requests = metrics.counter({
    name: "apiserver_admission_webhook_request_total",
    help: "Calls of admission webhooks, by the status code they came to.",
    labels: ["name", "type", "operation", "code", "rejected"],
  });
  const rejections = metrics.counter({
    name: "apiserver_admission_webhook_rejection_count",
    help: "Requests an admission webhook refused, or that were refused because it could not be asked.",
    labels: ["name", "type", "operation", "error_type", "rejection_code"],
  });
  const failOpen = metrics.counter({
    name: "apiserver_admission_webhook_fail_open_count",
    help: "Requests let through because an admission webhook could not be asked.",
    labels: ["name", "type"],
  });
  return {
    called: (labels, { seconds, rejected, code }) => {
      duration.observe({ ...labels, rejected: String(rejected) }, seconds);
      requests.inc({ ...labels, code: String(Math.min(code, maxCode)), rejected: String(rejected) });
    },
    rejected: (labels, type, code) =>
      rejections.inc({ ...labels, error_type: type, rejection_code: String(Math.min(code, maxCode)) }),
    failedOpen: ({ name, type }) => failOpen.inc({ name, type }),
    ...conditionMetrics(metrics),
    ...policyMetrics(metrics),
  };
}

function policyMetrics(metrics: Metrics): Pick<AdmissionMetrics, "policyChecked"> {
  const labels = ["policy", "policy_binding", "error_type", "enforcement_action"] as const;
  const metricsOf = (type: "validating" | "mutating") => ({
    total: metrics.counter({
      name: `apiserver_${type}_admission_policy_check_total`,
      help: `What expressions of ${type} admission policies came to, by policy and binding.`,
      labels,
    }),
    duration: metrics.histogram({
      name: `apiserver_${type}_admission_policy_check_duration_seconds`,
      help: `Seconds the expressions of ${type} admission policies took, by policy and binding.`,
      labels,
      buckets: policyBuckets,
    }),
  });
  const byType = { validating: metricsOf("validating"), mutating: metricsOf("mutating") };
  return {
    policyChecked: (type, values, seconds) => {
      byType[type].total.inc({ ...values });
      byType[type].duration.observe({ ...values }, seconds);
    },
  };
}

function conditionMetrics(
  metrics: Metrics,
): Pick<AdmissionMetrics, "conditionsEvaluated" | "conditionFailed" | "excludedByCondition"> {
  const labels = ["name", "kind", "type", "operation"] as const;
  const seconds = metrics.histogram({
    name: "apiserver_admission_match_condition_evaluation_seconds",
    help: "Seconds the match conditions of one webhook or policy took.",
    labels,
    buckets: conditionBuckets,
  });
  const errors = metrics.counter({
    name: "apiserver_admission_match_condition_evaluation_errors_total",
    help: "Match conditions that failed.",
    labels,
  });
  const exclusions = metrics.counter({
    name: "apiserver_admission_match_condition_exclusions_total",
    help: "Webhooks and policies that were not asked because of a match condition.",
    labels,
  });
  return {
    conditionsEvaluated: (values, taken) => seconds.observe({ ...values }, taken),
    conditionFailed: (values) => errors.inc({ ...values }),
    excludedByCondition: (values) => exclusions.inc({ ...values }),
  };
}
