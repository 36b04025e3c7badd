/** Test only: objects with everything a case does not care about filled in. */
import type { GitEvent, ObjectOf, PullRequest } from "@krate/kinds";
import type { Delivery, Subscription } from "./delivery/plan-attempt.ts";
import type { ForgeEvent } from "./events/event.ts";

const at = "2026-01-01T00:00:00Z";

export function subscription(spec: Partial<Subscription["spec"]> = {}, metadata: object = {}): Subscription {
  return {
    apiVersion: "krate.a5c.ai/v1alpha1",
    kind: "WebhookSubscription",
    metadata: { namespace: "acme", name: "hook", uid: "hook-uid", creationTimestamp: at, ...metadata },
    spec: { organizationRef: "acme", url: "https://example.org/", events: ["*"], ...spec },
  };
}

export function delivery(status: Delivery["status"] = {}, spec: Partial<Delivery["spec"]> = {}): Delivery {
  return {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "WebhookDelivery",
    metadata: { namespace: "acme", name: "d", uid: "d-uid", creationTimestamp: at },
    spec: { organizationRef: "acme", subscription: "hook", eventType: "push", payload: "{}", ...spec },
    status,
  };
}

export function event(more: Partial<ForgeEvent> = {}): ForgeEvent {
  return {
    namespace: "acme",
    organization: "acme",
    type: "push",
    id: "e1",
    at: "2026-01-02T00:00:00Z",
    repository: "web",
    ref: "refs/heads/main",
    source: { kind: "GitEvent", name: "web-1-0" },
    body: {},
    ...more,
  };
}

export function gitEvent(spec: Partial<ObjectOf<typeof GitEvent>["spec"]> = {}): ObjectOf<typeof GitEvent> {
  return {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "GitEvent",
    metadata: { namespace: "acme", name: "web-1-0", uid: "g-uid" },
    spec: {
      organizationRef: "acme",
      repository: "web",
      ref: "refs/heads/feature",
      oldSha: "a".repeat(40),
      newSha: "b".repeat(40),
      action: "update",
      decision: "Accepted",
      actor: { user: "ada" },
      transport: "http",
      receivedAt: "2026-01-02T00:00:00Z",
      ...spec,
    },
  };
}

export function pullRequest(
  spec: Partial<ObjectOf<typeof PullRequest>["spec"]> = {},
  status: ObjectOf<typeof PullRequest>["status"] = { phase: "Open" },
): ObjectOf<typeof PullRequest> {
  return {
    apiVersion: "forge.krate.a5c.ai/v1alpha1",
    kind: "PullRequest",
    metadata: { namespace: "acme", name: "web-1", uid: "p-uid", creationTimestamp: at },
    spec: { organizationRef: "acme", repository: "web", title: "t", head: "feature", base: "main", ...spec },
    status,
  };
}
