/** The two parts of WebhookDeliveries this program keeps in memory: what is still to be done, and what failed. */
import { storeKey } from "@krate/kube";
import type { Delivery } from "../delivery/plan-attempt.ts";

export const undelivered = { fieldSelector: "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Cancelled" };
export const failed = { labelSelector: "status=failed" };

/** Index of deliveries by subscription, `<namespace>/<name>`. */
export const subscriptionIndex = "subscription";
export const bySubscription = ({ metadata, spec }: Delivery) => [`${metadata.namespace}/${spec.subscription}`];

export const subscriptionKey = storeKey;

/** Of a failed delivery only who and when counts. */
export function trimFailed(delivery: Delivery): Delivery {
  const { payload: _payload, ...spec } = delivery.spec;
  const { phase, completedAt } = delivery.status ?? {};
  return { ...delivery, spec, status: { ...(phase && { phase }), ...(completedAt && { completedAt }) } };
}
