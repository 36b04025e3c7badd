/** Which subscriptions want an event. Pure. */
import type { ObjectOf, WebhookSubscription } from "@krate/kinds";
import { matchRef } from "@krate/refpolicy";
import type { ForgeEvent } from "./event.ts";

type Subscription = ObjectOf<typeof WebhookSubscription>;

/** Other spellings of families and actions that are accepted (kinds.md §8.1, C-24). */
const familyAliases: Record<string, string> = { pullrequest: "pull_request", checkrun: "check_run" };
const actionAliases: Record<string, string> = {
  "pull_request.created": "pull_request.opened",
  "pull_request.updated": "pull_request.synchronize",
  "issue.created": "issue.opened",
};

/** The canonical spelling of one entry of `spec.events`. */
export function canonicalEvent(name: string): string {
  const [family = "", ...action] = name.split(".");
  const canonical = [familyAliases[family] ?? family, ...action].join(".");
  return actionAliases[canonical] ?? canonical;
}

/** True when the subscription is to hear of the event. Events older than the subscription are not its business. */
export function wants({ spec, metadata }: Subscription, event: ForgeEvent): boolean {
  if (metadata.deletionTimestamp || spec.active === false || metadata.namespace !== event.namespace) return false;
  if (metadata.creationTimestamp && Date.parse(event.at) < Date.parse(metadata.creationTimestamp)) return false;
  if (spec.repository !== undefined && spec.repository !== event.repository) return false;
  const family = event.type.split(".")[0];
  const listed = spec.events.map(canonicalEvent).some((name) => name === "*" || name === event.type || name === family);
  if (!listed) return false;
  const { refs, labels } = spec.filter ?? {};
  if (refs?.length && !(event.ref !== undefined && refs.some((glob) => matchRef(glob, event.ref ?? "")))) return false;
  return Object.entries(labels ?? {}).every(([key, value]) => event.labels?.[key] === value);
}
