/**
 * Validating and mutating admission webhooks (D2, ADM-01, ADM-02), called as kube-apiserver calls them.
 * Source: k8s.io/apiserver/pkg/admission/plugin/webhook.
 */
import { ApiError } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import type { AdmissionPlugin } from "../../services.ts";
import { isExempt } from "../exempt.ts";
import type { AdmissionMetrics, WebhookLabels } from "../metrics.ts";
import { callWebhook } from "./call.ts";
import type { WebhookClient } from "./client.ts";
import { validatingWebhookKind, webhooksOf } from "./configuration.ts";
import { internalFailure, WebhookCallError, WebhookDenial } from "./errors.ts";
import { type Invocation, InvocationFilter } from "./invocation.ts";

export interface WebhookParts {
  client: WebhookClient;
  metrics: AdmissionMetrics;
}

const failedOpenAnnotation = "failed-open.validating.webhook.admission.k8s.io/";

/** All webhooks that want to know are asked at the same time; one refusal is enough, and the first in order is told. */
export function validatingWebhooks({ client, metrics }: WebhookParts): AdmissionPlugin {
  return {
    name: "ValidatingAdmissionWebhook",
    validate: async (ctx) => {
      const configurations = ctx.services.config.list(validatingWebhookKind);
      if (configurations.length === 0 || isExempt(ctx)) return;
      const filter = new InvocationFilter(ctx, "validating", metrics);
      const invocations: Invocation[] = [];
      for (const webhook of webhooksOf(configurations)) {
        const invocation = await filter.invocationOf(webhook);
        if (invocation !== undefined) invocations.push(invocation);
      }
      const refusals = await Promise.all(
        invocations.map((invocation, index) => ask(ctx, invocation, index, { client, metrics })),
      );
      const refusal = refusals.find((each) => each !== undefined);
      if (refusal !== undefined) throw refusal;
    },
  };
}

async function ask(
  ctx: RequestContext,
  invocation: Invocation,
  index: number,
  { client, metrics }: WebhookParts,
): Promise<Error | undefined> {
  const { webhook, attributes } = invocation;
  const labels: WebhookLabels = { name: webhook.name, type: "validating", operation: attributes.operation };
  const startedAt = performance.now();
  try {
    await callWebhook(ctx, invocation, { client, mutating: false });
    observe(metrics, labels, startedAt, undefined, webhook.failsOpen);
    return undefined;
  } catch (error) {
    observe(metrics, labels, startedAt, error, webhook.failsOpen);
    if (!(error instanceof WebhookCallError)) return error instanceof Error ? error : new Error(String(error));
    if (!webhook.failsOpen) return internalFailure(error);
    ctx.services.log.warn({ err: error, requestID: ctx.requestId }, "an admission webhook failed and is ignored");
    if (error.canceled) return undefined;
    metrics.failedOpen(labels);
    ctx.addAuditAnnotation(`${failedOpenAnnotation}round_0_index_${index}`, webhook.name);
    return undefined;
  }
}

const okCode = 200;

/** @param error what the call threw, if anything */
export function observe(
  metrics: AdmissionMetrics,
  labels: WebhookLabels,
  startedAt: number,
  error: unknown,
  failsOpen: boolean,
): void {
  const seconds = (performance.now() - startedAt) / 1000;
  if (error === undefined) return metrics.called(labels, { seconds, rejected: false, code: okCode });
  if (error instanceof WebhookCallError) {
    if (!failsOpen && !error.canceled) metrics.rejected(labels, "calling_webhook_error", error.code);
    return metrics.called(labels, { seconds, rejected: !failsOpen, code: error.code });
  }
  const denied = error instanceof WebhookDenial;
  const code = denied && error instanceof ApiError ? error.code : 0;
  metrics.rejected(labels, denied ? "no_error" : "apiserver_internal_error", code);
  metrics.called(labels, { seconds, rejected: true, code });
}
