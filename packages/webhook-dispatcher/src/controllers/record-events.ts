/**
 * Records → deliveries of what has happened to them. Looks at the whole object every time; a delivery's name is a function
 * of what happened, so seeing it again makes nothing new. What was announced is remembered to spare the server the question.
 */
import { type Controller, defineController, done } from "@krate/controller";
import {
  CheckRun,
  Issue,
  IssueComment,
  type KindRef,
  type KubernetesObject,
  type ObjectOf,
  Pipeline,
  PullRequest,
  Review,
  WebhookSubscription,
} from "@krate/kinds";
import type { ForgeEvent } from "../events/event.ts";
import { wants } from "../events/match.ts";
import { pullRequestEvents } from "../events/pull-request.ts";
import { checkRunEvents, commentEvents, issueEvents, pipelineEvents, reviewEvents } from "../events/records.ts";
import { createDeliveries } from "../events/render-delivery.ts";

/** Older things are not announced any more; deliveries are kept 30 days, so nothing is announced twice within this. */
const maxAgeDays = 7;
const maxRemembered = 100_000;

export function recordEvents(): Controller[] {
  return [
    announce("webhook-pull-requests", PullRequest, pullRequestEvents),
    announce("webhook-reviews", Review, reviewEvents),
    announce("webhook-issues", Issue, issueEvents),
    announce("webhook-comments", IssueComment, commentEvents),
    announce("webhook-pipelines", Pipeline, pipelineEvents),
    announce("webhook-check-runs", CheckRun, checkRunEvents),
  ];
}

function announce<K extends KindRef>(
  name: string,
  kind: K,
  eventsOf: (object: ObjectOf<K>) => ForgeEvent[],
): Controller {
  const announced = new Set<string>();
  const remember = (key: string) => {
    announced.add(key);
    if (announced.size > maxRemembered) announced.delete(announced.values().next().value as string);
  };
  return defineController({
    name,
    for: kind,
    reads: [WebhookSubscription],
    concurrency: 8,
    async reconcile(object, { client, lister, now, signal }) {
      const namespace = (object as KubernetesObject).metadata?.namespace;
      const subscriptions = lister(WebhookSubscription).list(namespace);
      const oldest = now().getTime() - maxAgeDays * 86_400_000;
      for (const event of eventsOf(object)) {
        if (Date.parse(event.at) < oldest) continue;
        const key = (uid: string | undefined) => `${uid}/${event.type}/${event.id}`;
        const fresh = subscriptions.filter(
          (subscription) => !announced.has(key(subscription.metadata.uid)) && wants(subscription, event),
        );
        await createDeliveries(client, event, fresh, signal);
        for (const { metadata } of fresh) remember(key(metadata.uid));
      }
      return done();
    },
  });
}
