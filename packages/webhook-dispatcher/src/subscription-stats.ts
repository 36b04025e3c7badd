/** Counters of a subscription from its failed deliveries and from what was delivered since. Pure. */
import type { Delivery } from "./delivery/plan-attempt.ts";

/** Newest outcome of each kind, as the delivery controller saw it. */
export interface Recent {
  lastDelivery?: string;
  lastSuccessAt?: string;
}

export interface SubscriptionStats extends Recent {
  failedLastHour: number;
  failed24h: number;
  consecutiveFailures: number;
}

export function subscriptionStats(
  failed: readonly Delivery[],
  before: Recent,
  recent: Recent,
  now: Date,
): SubscriptionStats {
  const completed = failed.map(({ status }) => status?.completedAt ?? "").filter((at) => at !== "");
  const since = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();
  const lastSuccessAt = newest(before.lastSuccessAt, recent.lastSuccessAt);
  const lastDelivery = recent.lastDelivery ?? before.lastDelivery;
  return {
    failedLastHour: completed.filter((at) => at >= since(1)).length,
    failed24h: completed.filter((at) => at >= since(24)).length,
    consecutiveFailures: completed.filter((at) => lastSuccessAt === undefined || at > lastSuccessAt).length,
    ...(lastSuccessAt !== undefined && { lastSuccessAt }),
    ...(lastDelivery !== undefined && { lastDelivery }),
  };
}

function newest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
}
