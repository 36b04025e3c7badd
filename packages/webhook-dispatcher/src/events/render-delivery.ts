/** An event for one subscription → the WebhookDelivery to create. Its name is a function of both, so twice is once. Pure. */
import { createHash } from "node:crypto";
import { isReason, type ObjectOf, WebhookDelivery, type WebhookSubscription } from "@krate/kinds";
import type { KubeClient, NewObject } from "@krate/kube";
import { type ForgeEvent, payloadOf } from "./event.ts";
import { wants } from "./match.ts";

type Subscription = ObjectOf<typeof WebhookSubscription>;

export function deliveryName(subscription: Subscription, eventType: string, eventId: string): string {
  const { name = "", uid = "" } = subscription.metadata;
  const digest = createHash("sha256").update([uid, eventType, eventId].join("\0")).digest("hex").slice(0, 20);
  return `${name.slice(0, 200)}-${digest}`;
}

export function renderDelivery(
  subscription: Subscription,
  event: ForgeEvent,
): NewObject<ObjectOf<typeof WebhookDelivery>> {
  return {
    metadata: {
      namespace: event.namespace,
      name: deliveryName(subscription, event.type, event.id),
    },
    spec: {
      organizationRef: event.organization,
      subscription: subscription.metadata.name ?? "",
      eventType: event.type,
      ...(event.repository !== undefined && { repository: event.repository }),
      eventId: event.id,
      sourceRef: event.source,
      payload: payloadOf(event),
    },
  };
}

/** Creates the deliveries of an event; those that exist already are fine. */
export async function createDeliveries(
  client: KubeClient,
  event: ForgeEvent,
  subscriptions: readonly Subscription[],
  signal: AbortSignal,
): Promise<void> {
  const wanted = subscriptions.filter((subscription) => wants(subscription, event));
  await Promise.all(
    wanted.map(async (subscription) => {
      try {
        await client.create(WebhookDelivery, renderDelivery(subscription, event), { signal });
      } catch (error) {
        if (!isReason(error, "AlreadyExists")) throw error;
      }
    }),
  );
}
