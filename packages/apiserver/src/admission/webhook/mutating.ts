/**
 * Mutating admission webhooks: one after another, each sees what those before it made of the object.
 * Source: k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go.
 */
import { ApiError } from "@krate/kinds";
import type { RequestContext } from "../../context.ts";
import type { AdmissionPlugin } from "../../services.ts";
import { isExempt } from "../exempt.ts";
import type { WebhookLabels } from "../metrics.ts";
import { type Ledger, passesOf } from "../reinvocation.ts";
import { callWebhook } from "./call.ts";
import { mutatingWebhookKind, type Webhook, webhooksOf } from "./configuration.ts";
import { internalFailure, WebhookCallError } from "./errors.ts";
import { type Invocation, InvocationFilter } from "./invocation.ts";
import { applyVerdict } from "./patch.ts";
import { observe, type WebhookParts } from "./validating.ts";

const name = "MutatingAdmissionWebhook";
const mutationAnnotation = "mutation.webhook.admission.k8s.io/";
const failedOpenAnnotation = `failed-open.${mutationAnnotation}`;

export function mutatingWebhooks(parts: WebhookParts): AdmissionPlugin {
  return {
    name,
    mutate: async (ctx) => {
      const configurations = ctx.services.config.list(mutatingWebhookKind);
      if (configurations.length === 0 || isExempt(ctx)) return;
      const ledger = passesOf(ctx).ledger(name);
      ledger.enter(ctx.object);
      const filter = new InvocationFilter(ctx, "admit", parts.metrics);
      for (const [index, webhook] of webhooksOf(configurations).entries()) {
        const invocation = await filter.invocationOf(webhook);
        if (invocation === undefined || !ledger.mayInvoke(webhook.id)) continue;
        await invoke(ctx, invocation, index, { ...parts, ledger });
      }
      ledger.leave(ctx.object);
    },
  };
}

async function invoke(
  ctx: RequestContext,
  invocation: Invocation,
  index: number,
  { client, metrics, ledger }: WebhookParts & { ledger: Ledger },
): Promise<void> {
  const { webhook, attributes } = invocation;
  const labels: WebhookLabels = { name: webhook.name, type: "admit", operation: attributes.operation };
  const place = `round_${passesOf(ctx).again ? 1 : 0}_index_${index}`;
  const startedAt = performance.now();
  let changed = false;
  try {
    const verdict = await callWebhook(ctx, invocation, { client, mutating: true });
    changed = applyVerdict(ctx, invocation, verdict);
    observe(metrics, labels, startedAt, undefined, webhook.failsOpen);
  } catch (error) {
    observe(metrics, labels, startedAt, error, webhook.failsOpen);
    if (!(error instanceof WebhookCallError)) throw error;
    if (!webhook.failsOpen) throw internalFailure(error);
    ctx.services.log.warn({ err: error, requestID: ctx.requestId }, "an admission webhook failed and is ignored");
    if (ctx.deadlineReached) throw new ApiError("Timeout", "request did not complete within requested timeout");
    if (!error.canceled) {
      metrics.failedOpen(labels);
      ctx.addAuditAnnotation(`${failedOpenAnnotation}${place}`, webhook.name);
    }
  } finally {
    ctx.addAuditAnnotation(`${mutationAnnotation}${place}`, mutationNote(webhook, changed));
  }
  ledger.invoked(webhook.id, { changed, reinvocable: webhook.reinvocable });
}

function mutationNote({ configuration, name: webhook }: Webhook, mutated: boolean): string {
  return JSON.stringify({ configuration, webhook, mutated });
}
