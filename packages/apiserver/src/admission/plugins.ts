/** The admission plugins for configurations that users write, in kube-apiserver's order; they share connections and metrics. */
import type { Metrics } from "@krate/telemetry/metrics";
import type { AdmissionPlugin, ConfigKind } from "../services.ts";
import { admissionMetrics } from "./metrics.ts";
import { type PolicyKinds, validatingPolicyKinds } from "./policy/kinds.ts";
import { mutatingAdmissionPolicies } from "./policy/mutating-admission-policy.ts";
import { validatingAdmissionPolicies } from "./policy/validating-admission-policy.ts";
import { webhookClient } from "./webhook/client.ts";
import { mutatingWebhookKind, validatingWebhookKind } from "./webhook/configuration.ts";
import { mutatingWebhooks } from "./webhook/mutating.ts";
import { validatingWebhooks } from "./webhook/validating.ts";

export interface PluginOptions {
  metrics: Metrics;
  /** Ends idle connections to webhooks. */
  signal: AbortSignal;
  /** Absent where the cluster has no MutatingAdmissionPolicy. */
  mutatingPolicies: PolicyKinds | undefined;
}

/** What must have been read before anything is admitted. Services and their endpoints are followed once a webhook names one. */
export function admissionConfigKinds({ mutatingPolicies }: Pick<PluginOptions, "mutatingPolicies">): ConfigKind[] {
  const policies = mutatingPolicies === undefined ? [validatingPolicyKinds] : [validatingPolicyKinds, mutatingPolicies];
  return [...policies.flatMap(({ policy, binding }) => [policy, binding]), mutatingWebhookKind, validatingWebhookKind];
}

export function admissionPlugins({ metrics, signal, mutatingPolicies }: PluginOptions): AdmissionPlugin[] {
  const client = webhookClient();
  signal.addEventListener("abort", () => client.close(), { once: true });
  const shared = admissionMetrics(metrics);
  const webhooks = { client, metrics: shared };
  return [
    ...(mutatingPolicies === undefined ? [] : [mutatingAdmissionPolicies(mutatingPolicies, shared)]),
    mutatingWebhooks(webhooks),
    validatingAdmissionPolicies(shared),
    validatingWebhooks(webhooks),
  ];
}
