/**
 * What to do with a delivery now. Pure.
 *
 *   Pending ──claim──► Delivering ──2xx──► Succeeded
 *                         │ otherwise
 *                         ├──attempts left──► Retrying ──nextAttemptAt──► (claim) Delivering
 *                         └──none left──► Failed
 *   any of them ──subscription gone──► Cancelled
 *
 * `attemptCount` is raised when an attempt is claimed, `attempts` grows when its outcome is known: when the first is ahead,
 * the dispatcher died in between. That attempt may or may not have arrived; it is recorded as such and tried again.
 */
import type { ObjectOf, WebhookDelivery, WebhookSubscription } from "@krate/kinds";

export type Delivery = ObjectOf<typeof WebhookDelivery>;
export type Subscription = ObjectOf<typeof WebhookSubscription>;
export type Attempt = NonNullable<NonNullable<Delivery["status"]>["attempts"]>[number];

export interface RetryPolicy {
  maxAttempts: number;
  initialSeconds: number;
  factor: number;
  maxSeconds: number;
  timeoutSeconds: number;
}

export function retryPolicyOf(subscription: Subscription): RetryPolicy {
  const policy = subscription.spec.retryPolicy ?? {};
  return {
    maxAttempts: policy.maxAttempts ?? 8,
    initialSeconds: policy.initialSeconds ?? 10,
    factor: policy.factor ?? 3,
    maxSeconds: policy.maxSeconds ?? 3600,
    timeoutSeconds: policy.timeoutSeconds ?? 10,
  };
}

export type AttemptPlan =
  | { action: "send"; n: number }
  | { action: "wait"; seconds: number }
  /** Until the subscription changes. */
  | { action: "hold"; reason: string }
  | { action: "record-lost"; n: number }
  | { action: "cancel"; reason: string }
  | { action: "none" };

export function planAttempt(delivery: Delivery, subscription: Subscription | undefined, now: Date): AttemptPlan {
  const { phase = "Pending", attemptCount = 0, attempts = [], nextAttemptAt } = delivery.status ?? {};
  if (phase === "Succeeded" || phase === "Failed" || phase === "Cancelled") return { action: "none" };
  if (!subscription || subscription.metadata.deletionTimestamp)
    return { action: "cancel", reason: "the subscription is gone" };
  if (attemptCount > attempts.length) return { action: "record-lost", n: attemptCount };
  const asked = delivery.spec.test === true || delivery.spec.replayOf !== undefined;
  if (subscription.spec.active === false && !asked) return { action: "hold", reason: "the subscription is not active" };
  const waitMs = nextAttemptAt ? Date.parse(nextAttemptAt) - now.getTime() : 0;
  if (waitMs > 0) return { action: "wait", seconds: waitMs / 1000 };
  return { action: "send", n: attemptCount + 1 };
}

type Status = NonNullable<Delivery["status"]>;

/** The fields of status an outcome sets. */
export interface OutcomeStatus {
  phase: "Succeeded" | "Failed" | "Retrying";
  attempts: Attempt[];
  attemptCount: number;
  responseCode: Status["responseCode"];
  latencyMs: Status["latencyMs"];
  nextAttemptAt: Status["nextAttemptAt"];
  completedAt: Status["completedAt"];
  signature?: Status["signature"];
}

/** Status after attempt `n` with this outcome. `random` in [0, 1) spreads retries over 0.8 to 1.2 of the wait. */
export function statusAfter(
  attempts: readonly Attempt[],
  attempt: Attempt,
  options: { policy: RetryPolicy; now: Date; random: () => number; retryAfterSeconds?: number },
): OutcomeStatus {
  const { policy, now, random, retryAfterSeconds = 0 } = options;
  const all = [...attempts, attempt];
  const ok = attempt.responseCode !== undefined && attempt.responseCode >= 200 && attempt.responseCode < 300;
  const outcome = {
    attempts: all,
    attemptCount: all.length,
    responseCode: attempt.responseCode,
    latencyMs: attempt.latencyMs,
  };
  if (ok) return { ...outcome, phase: "Succeeded", completedAt: rfc3339(now), nextAttemptAt: undefined };
  if (all.length >= policy.maxAttempts)
    return { ...outcome, phase: "Failed", completedAt: rfc3339(now), nextAttemptAt: undefined };
  const exponential = Math.min(policy.maxSeconds, policy.initialSeconds * policy.factor ** (all.length - 1));
  const seconds = Math.max(exponential * (0.8 + random() * 0.4), Math.min(retryAfterSeconds, policy.maxSeconds));
  return {
    ...outcome,
    phase: "Retrying",
    completedAt: undefined,
    nextAttemptAt: rfc3339(new Date(now.getTime() + seconds * 1000)),
  };
}

export function lostAttempt(n: number, url: string, now: Date): Attempt {
  return { n, at: rfc3339(now), url, error: "interrupted: the dispatcher stopped before the outcome was known" };
}

export function rfc3339(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, "Z");
}
