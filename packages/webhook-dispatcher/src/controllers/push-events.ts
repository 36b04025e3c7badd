/** The log of GitEvents → deliveries of `push` and `pull_request.synchronize`. */
import { defineLogConsumer } from "@krate/controller";
import { GitEvent, PullRequest, WebhookSubscription } from "@krate/kinds";
import { pushEvent, synchronizeEvents } from "../events/push.ts";
import { createDeliveries } from "../events/render-delivery.ts";

export const pushEvents = defineLogConsumer({
  name: "webhook-push-events",
  kind: GitEvent,
  reads: [PullRequest, WebhookSubscription],
  // Deliveries are posted side by side anyway: receivers order by `at`, and a slow namespace holds up no other.
  partition: ({ metadata }) => metadata.uid ?? "",
  concurrency: 64,
  async handle(event, { client, lister, signal }) {
    const subscriptions = lister(WebhookSubscription).list(event.metadata.namespace);
    if (subscriptions.length === 0) return;
    const push = pushEvent(event);
    const happened = [
      ...(push ? [push] : []),
      ...synchronizeEvents(event, lister(PullRequest).list(event.metadata.namespace)),
    ];
    for (const one of happened) await createDeliveries(client, one, subscriptions, signal);
  },
});
