/** Counts refusals per rule from GitEvents (REF-10). Pure. */
import type { GitEvent, ObjectOf } from "@krate/kinds";

type Event = ObjectOf<typeof GitEvent>;

/** Index of GitEvents by the policies that refused: `<namespace>/<Kind>/<name>`. */
export const refusedByIndex = "refused-by";
export const refusedBy = (event: Event): string[] => [
  ...new Set(
    (event.spec.rules ?? [])
      .filter(({ decision }) => decision === "Denied")
      .map(({ policy }) => `${event.metadata.namespace}/${policy}`),
  ),
];

export interface RuleStats {
  rule: string;
  rejectedToday: number;
  rejected24h: number;
  lastAt?: string;
}

/** "Today" is the UTC day of `now`. Rules without a refusal are not mentioned. */
export function ruleStats(events: readonly Event[], policy: string, now: Date): RuleStats[] {
  const midnight = `${now.toISOString().slice(0, 10)}T00:00:00`;
  const dayAgo = new Date(now.getTime() - 86_400_000).toISOString();
  const stats = new Map<string, RuleStats>();
  for (const { spec } of events) {
    const denied = (spec.rules ?? []).filter((rule) => rule.policy === policy && rule.decision === "Denied");
    for (const rule of new Set(denied.map((entry) => entry.rule))) {
      const entry = stats.get(rule) ?? { rule, rejectedToday: 0, rejected24h: 0 };
      if (spec.receivedAt >= midnight) entry.rejectedToday += 1;
      if (spec.receivedAt >= dayAgo) entry.rejected24h += 1;
      if (!entry.lastAt || spec.receivedAt > entry.lastAt) entry.lastAt = spec.receivedAt;
      stats.set(rule, entry);
    }
  }
  return [...stats.values()].sort((a, b) => (a.rule < b.rule ? -1 : 1));
}

export interface Rejection {
  at: string;
  repository: string;
  ref: string;
  user: string;
  rule: string;
}

/** The newest refusal by `policy`. */
export function lastRejection(events: readonly Event[], policy: string): Rejection | undefined {
  let newest: Rejection | undefined;
  for (const { spec } of events) {
    const rule = (spec.rules ?? []).find((entry) => entry.policy === policy && entry.decision === "Denied")?.rule;
    if (rule === undefined || (newest && newest.at >= spec.receivedAt)) continue;
    newest = { at: spec.receivedAt, repository: spec.repository, ref: spec.ref, user: spec.actor.user, rule };
  }
  return newest;
}
