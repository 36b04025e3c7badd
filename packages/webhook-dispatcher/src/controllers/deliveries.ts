/** Sends what is due: claim, post, record. */
import { type Controller, defineController, done, type ReconcileContext, requeueAfter, watch } from "@krate/controller";
import { type ObjectOf, WebhookDelivery, WebhookSubscription } from "@krate/kinds";
import { storeKey } from "@krate/kube";
import {
  type Delivery,
  lostAttempt,
  type OutcomeStatus,
  planAttempt,
  retryPolicyOf,
  rfc3339,
  type Subscription,
  statusAfter,
} from "../delivery/plan-attempt.ts";
import { sendAttempt } from "../delivery/send.ts";
import { signatureHeader } from "../delivery/sign.ts";
import type { GuardedAgents } from "../endpoint/guarded-agents.ts";
import type { Secrets } from "../secrets.ts";
import type { Recent } from "../subscription-stats.ts";
import { subscriptionIndex, undelivered } from "./selections.ts";

export interface DeliveryDependencies {
  agents: GuardedAgents;
  secrets: Secrets;
  concurrency: number;
  random: () => number;
  /** Newest outcomes by subscription, for the subscription's status. */
  recent: Map<string, Recent>;
  /** A delivery has finished; `<namespace>/<name>` of its subscription. */
  onFinished: (subscription: { namespace: string; name: string }) => void;
  onAttempt: (outcome: "success" | "failure", seconds: number) => void;
}

export function deliveries(dependencies: DeliveryDependencies): Controller {
  return defineController({
    name: "webhook-deliveries",
    for: WebhookDelivery,
    ...undelivered,
    watches: [
      watch(WebhookSubscription, (subscription, { lister }) =>
        lister(WebhookDelivery)
          .byIndex(subscriptionIndex, storeKey(subscription))
          .map(({ metadata }) => ({ namespace: metadata.namespace ?? "", name: metadata.name ?? "" })),
      ),
    ],
    concurrency: dependencies.concurrency,
    async reconcile(delivery, context) {
      const namespace = delivery.metadata.namespace ?? "";
      const key = { namespace, name: delivery.spec.subscription };
      const subscription = context.lister(WebhookSubscription).get(key);
      const plan = planAttempt(delivery, subscription, context.now());
      switch (plan.action) {
        case "none":
          return done();
        case "hold":
          return done({ status: { phase: delivery.status?.phase ?? "Pending" } });
        case "wait":
          return requeueAfter(plan.seconds);
        case "cancel":
          return done({
            status: { phase: "Cancelled", completedAt: rfc3339(context.now()), nextAttemptAt: undefined },
          });
        case "record-lost": {
          if (!subscription) return done();
          const lost = lostAttempt(plan.n, subscription.spec.url, context.now());
          return record(delivery, statusOf(delivery, lost, subscription, context), context, dependencies);
        }
        case "send":
          return subscription ? send(delivery, subscription, plan.n, context, dependencies) : done();
      }
    },
  });
}

async function send(
  delivery: Delivery,
  subscription: Subscription,
  n: number,
  context: ReconcileContext,
  dependencies: DeliveryDependencies,
) {
  const { agents, secrets, onAttempt } = dependencies;
  const body = await bodyOf(delivery, context);
  const secret = await secrets.resolve(subscription);
  const policy = retryPolicyOf(subscription);
  const failure =
    body === undefined ? `the delivery ${delivery.spec.replayOf} that is to be repeated does not exist` : undefined;
  const refused = failure ?? (secret.ok ? undefined : secret.message);

  const claimed = await context.claim(delivery, { phase: "Delivering", attemptCount: n, nextAttemptAt: undefined });
  if (refused !== undefined || body === undefined || !secret.ok) {
    const attempt = { n, at: rfc3339(context.now()), url: subscription.spec.url, error: refused ?? "" };
    return record(claimed, statusOf(claimed, attempt, subscription, context), context, dependencies);
  }
  const { attempt, retryAfterSeconds, interrupted } = await sendAttempt(
    {
      n,
      url: subscription.spec.url,
      id: delivery.metadata.uid ?? "",
      eventType: delivery.spec.eventType,
      subscription: delivery.spec.subscription,
      body,
      secret: secret.key,
      extraHeaders: subscription.spec.headers ?? {},
      timeoutSeconds: policy.timeoutSeconds,
      signal: context.signal,
      now: context.now,
    },
    agents,
  );
  if (interrupted) throw context.signal.reason; // the next leader finds the claim and records the attempt as lost
  const status = statusAfter(claimed.status?.attempts ?? [], attempt, {
    policy,
    now: context.now(),
    random: dependencies.random,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
  onAttempt(status.phase === "Succeeded" ? "success" : "failure", (attempt.latencyMs ?? 0) / 1000);
  const signature = { algorithm: "sha256" as const, header: signatureHeader, secretVersion: secret.version };
  return record(claimed, { ...status, signature }, context, dependencies);
}

function statusOf(
  delivery: Delivery,
  attempt: Parameters<typeof statusAfter>[1],
  subscription: Subscription,
  context: ReconcileContext,
) {
  const options = { policy: retryPolicyOf(subscription), now: context.now(), random: () => 0.5 };
  return statusAfter(delivery.status?.attempts ?? [], attempt, options);
}

function record(
  delivery: Delivery,
  status: OutcomeStatus,
  { events, now }: ReconcileContext,
  { recent, onFinished }: DeliveryDependencies,
) {
  const key = { namespace: delivery.metadata.namespace ?? "", name: delivery.spec.subscription };
  const known = recent.get(storeKey({ metadata: key })) ?? {};
  const lastSuccessAt = status.phase === "Succeeded" ? status.completedAt : known.lastSuccessAt;
  recent.set(storeKey({ metadata: key }), {
    lastDelivery: delivery.metadata.name ?? "",
    ...(lastSuccessAt !== undefined && { lastSuccessAt }),
  });
  onFinished(key);
  if (status.phase === "Failed") {
    const last = status.attempts.at(-1);
    const why = last?.error ?? `HTTP ${last?.responseCode}`;
    events.record(
      delivery,
      "Warning",
      "DeliveryFailed",
      `${delivery.spec.eventType}: no attempts left, the last one: ${why}`,
    );
  }
  const waitMs = status.nextAttemptAt ? Date.parse(status.nextAttemptAt) - now().getTime() : undefined;
  return done({ status, ...(waitMs !== undefined && { requeueAfterSeconds: Math.max(0, waitMs / 1000) }) });
}

/** The bytes to post; undefined when a replay's original is gone. */
async function bodyOf(delivery: Delivery, { client, signal }: ReconcileContext): Promise<Buffer | undefined> {
  const { spec, metadata } = delivery;
  if (spec.payload !== undefined) return Buffer.from(spec.payload);
  if (spec.replayOf !== undefined) {
    const key = { namespace: metadata.namespace ?? "", name: spec.replayOf };
    const original = await client.find(WebhookDelivery, key, { signal });
    if (!original) return undefined;
    await noteReplay(original, metadata.name ?? "", client, signal);
    if (original.spec.replayOf !== undefined && original.spec.payload === undefined)
      return bodyOf(original, { client, signal } as ReconcileContext);
    return Buffer.from(original.spec.payload ?? pingPayload(original));
  }
  return Buffer.from(pingPayload(delivery));
}

/** The original is not changed but for the list of its replays. */
async function noteReplay(
  original: ObjectOf<typeof WebhookDelivery>,
  replay: string,
  client: ReconcileContext["client"],
  signal: AbortSignal,
): Promise<void> {
  const replays = original.status?.replays ?? [];
  if (replays.includes(replay)) return;
  const { namespace, name = "", resourceVersion } = original.metadata;
  await client.apply(
    WebhookDelivery,
    {
      metadata: { name, ...(namespace && { namespace }), ...(resourceVersion && { resourceVersion }) },
      status: { replays: [...replays, replay].slice(-100) },
    },
    { fieldManager: "webhook-replays", force: true, subresource: "status", signal },
  );
}

function pingPayload({ metadata, spec }: Delivery): string {
  return JSON.stringify({
    event: spec.eventType,
    id: metadata.uid,
    at: metadata.creationTimestamp,
    organization: { name: spec.organizationRef, namespace: metadata.namespace },
    subscription: spec.subscription,
    test: spec.test === true,
  });
}
