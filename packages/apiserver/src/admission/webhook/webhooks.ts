/** The webhook plugins of one server: they share connections and metrics. */
import type { Metrics } from "@krate/telemetry/metrics";
import type { AdmissionPlugin, ConfigKind } from "../../services.ts";
import { admissionMetrics } from "../metrics.ts";
import { webhookClient } from "./client.ts";
import { mutatingWebhookKind, validatingWebhookKind } from "./configuration.ts";
import { mutatingWebhooks } from "./mutating.ts";
import { validatingWebhooks } from "./validating.ts";

/** What must have been read before anything is admitted. Services and their endpoints are followed once a webhook names one. */
export const webhookConfigKinds: readonly ConfigKind[] = [mutatingWebhookKind, validatingWebhookKind];

/** @param options.signal ends idle connections */
export function admissionWebhooks({ metrics, signal }: { metrics: Metrics; signal: AbortSignal }): {
  mutating: AdmissionPlugin;
  validating: AdmissionPlugin;
} {
  const client = webhookClient();
  signal.addEventListener("abort", () => client.close(), { once: true });
  const parts = { client, metrics: admissionMetrics(metrics) };
  return { mutating: mutatingWebhooks(parts), validating: validatingWebhooks(parts) };
}
