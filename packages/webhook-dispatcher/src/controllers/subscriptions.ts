/** Status of subscriptions: key, endpoint, counters; serves `testRequestedAt`; drains the queue before deletion. */
import { createHash } from "node:crypto";
import { type Controller, defineController, done, requeueAfter, type Trigger } from "@krate/controller";
import { finalizers, isFalse, isReason, isTrue, isUnknown, WebhookDelivery, WebhookSubscription } from "@krate/kinds";
import { type Informer, type KubeClient, storeKey } from "@krate/kube";
import type { Delivery, Subscription } from "../delivery/plan-attempt.ts";
import type { Network } from "../endpoint/addresses.ts";
import { checkEndpoint, type EndpointVerdict, type Resolve } from "../endpoint/check-endpoint.ts";
import type { ResolvedSecret, Secrets } from "../secrets.ts";
import { type Recent, type SubscriptionStats, subscriptionStats } from "../subscription-stats.ts";
import { subscriptionIndex } from "./selections.ts";

export interface SubscriptionDependencies {
  secrets: Secrets;
  allowedNetworks: readonly Network[];
  failed: Informer<Delivery>;
  recent: Map<string, Recent>;
  finished: Trigger;
  resolve?: Resolve;
}

/** Counters of a time window, name servers and Secrets change without an event. */
const resyncSeconds = 60;

export function subscriptions(dependencies: SubscriptionDependencies): Controller {
  return defineController({
    name: "webhook-subscriptions",
    for: WebhookSubscription,
    triggers: [dependencies.finished],
    concurrency: 4,
    resyncSeconds,
    finalizer: finalizers.webhookQueue,
    async reconcile(subscription, context) {
      const { spec, status } = subscription;
      const [secret, endpoint] = await Promise.all([
        dependencies.secrets.ensure(subscription),
        checkEndpoint(spec.url, {
          allowInsecure: spec.allowInsecure === true,
          allowedNetworks: dependencies.allowedNetworks,
          ...(dependencies.resolve && { resolve: dependencies.resolve }),
        }),
      ]);
      const key = storeKey(subscription);
      const failed = dependencies.failed.byIndex(subscriptionIndex, key);
      const stats = subscriptionStats(failed, status ?? {}, dependencies.recent.get(key) ?? {}, context.now());
      if (spec.testRequestedAt && spec.testRequestedAt !== status?.lastTestAt)
        await createTest(subscription, spec.testRequestedAt, context.client);
      return done(subscriptionStatus(subscription, { secret, endpoint, stats }));
    },
    async finalize(subscription, { lister }) {
      // The delivery controller cancels them, since their subscription is being deleted.
      const pending = lister(WebhookDelivery).byIndex(subscriptionIndex, storeKey(subscription));
      if (pending.length > 0) return requeueAfter(1, `${pending.length} deliveries are being cancelled`);
      dependencies.recent.delete(storeKey(subscription));
      return undefined;
    },
  });
}

export function subscriptionStatus(
  { spec }: Subscription,
  { secret, endpoint, stats }: { secret: ResolvedSecret; endpoint: EndpointVerdict; stats: SubscriptionStats },
) {
  const active = spec.active !== false;
  const failing = stats.consecutiveFailures > 0;
  const blocked = !secret.ok ? ("SecretMissing" as const) : !endpoint.allowed ? ("EndpointDenied" as const) : undefined;
  const phase = !active
    ? ("Paused" as const)
    : blocked
      ? ("Disabled" as const)
      : failing
        ? ("Failing" as const)
        : ("Active" as const);
  const reason = blocked ?? (active ? "Ready" : "Inactive");
  const hasOutcome = stats.lastSuccessAt !== undefined || failing;
  return {
    status: {
      phase,
      ...stats,
      secretRef: secret.ok && secret.generated ? secret.ref : undefined,
      secretVersion: secret.ok ? secret.version : undefined,
      lastTestAt: spec.testRequestedAt,
    },
    conditions: [
      secret.ok
        ? isTrue("SecretResolved", secret.generated ? "Generated" : "Resolved")
        : isFalse("SecretResolved", secret.reason, secret.message),
      endpoint.allowed
        ? isTrue("EndpointAllowed", "Allowed")
        : isFalse("EndpointAllowed", endpoint.reason, endpoint.message),
      !active
        ? isFalse("Delivering", "Inactive")
        : !hasOutcome
          ? isUnknown("Delivering", "NoDeliveries")
          : failing
            ? isFalse("Delivering", "EndpointFailing", "deliveries failed since the newest success")
            : isTrue("Delivering", "Healthy"),
      reason === "Ready"
        ? isTrue("Ready", reason)
        : isFalse("Ready", reason, !secret.ok ? secret.message : !endpoint.allowed ? endpoint.message : ""),
    ],
  };
}

/** One ping per value of `testRequestedAt`. */
async function createTest({ metadata, spec }: Subscription, requestedAt: string, client: KubeClient): Promise<void> {
  const digest = createHash("sha256").update(`${metadata.uid}\0${requestedAt}`).digest("hex").slice(0, 20);
  try {
    await client.create(WebhookDelivery, {
      metadata: { namespace: metadata.namespace ?? "", name: `${(metadata.name ?? "").slice(0, 200)}-test-${digest}` },
      spec: {
        organizationRef: spec.organizationRef,
        subscription: metadata.name ?? "",
        eventType: "ping",
        test: true,
        ...(spec.repository && { repository: spec.repository }),
      },
    });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
