/** What the program consists of. */
import { defineTrigger, type Program } from "@krate/controller";
import { WebhookDelivery } from "@krate/kinds";
import type { DispatcherConfig } from "./config.ts";
import { deliveries } from "./controllers/deliveries.ts";
import { pushEvents } from "./controllers/push-events.ts";
import { recordEvents } from "./controllers/record-events.ts";
import { bySubscription, failed, subscriptionIndex, trimFailed, undelivered } from "./controllers/selections.ts";
import { subscriptions } from "./controllers/subscriptions.ts";
import { guardedAgents } from "./endpoint/guarded-agents.ts";
import { secretsOf } from "./secrets.ts";
import type { Recent } from "./subscription-stats.ts";

export function webhookDispatcher(config: DispatcherConfig): Program {
  const { allowedNetworks, concurrency } = config;
  return {
    name: "webhook-dispatcher",
    config,
    consumers: [pushEvents],
    controllers: recordEvents(),
    setup({ client, informer, metrics }) {
      // The first informer of a kind is the one `lister` answers: what is still to be delivered.
      informer(WebhookDelivery, undelivered).addIndex(subscriptionIndex, bySubscription);
      const failedDeliveries = informer(WebhookDelivery, failed, { transform: trimFailed });
      failedDeliveries.addIndex(subscriptionIndex, bySubscription);
      const attempts = metrics.counter({
        name: "krate_webhook_attempts_total",
        help: "Attempts by outcome",
        labels: ["outcome"] as const,
      });
      const durations = metrics.histogram({
        name: "krate_webhook_attempt_duration_seconds",
        help: "Request to answer",
      });
      const secrets = secretsOf(client);
      const recent = new Map<string, Recent>();
      const finished = defineTrigger();
      return {
        controllers: [
          subscriptions({ secrets, allowedNetworks, failed: failedDeliveries, recent, finished }),
          deliveries({
            agents: guardedAgents(allowedNetworks),
            secrets,
            concurrency,
            random: Math.random,
            recent,
            // Together: a burst of deliveries is one look at the subscription.
            onFinished: (key) => finished.enqueue(key, { afterSeconds: 1 }),
            onAttempt: (outcome, seconds) => {
              attempts.inc({ outcome });
              durations.observe(seconds);
            },
          }),
        ],
      };
    },
  };
}
