/**
 * Who is next. By priority, then by time of arrival; but one that was passed over five times goes before everything, so that nobody waits
 * for ever behind urgent ones. Urgent ones are tested without the others, and interrupt what is being tested.
 */
import type { Entry, Priority, Settings } from "./state.ts";

export const maxPassedOver = 5;

const ranks: Record<Priority, number> = { urgent: 0, high: 1, normal: 2, low: 3 };

function rankOf({ passedOver, priority }: Entry): number {
  return passedOver >= maxPassedOver ? -1 : ranks[priority];
}

export function compareEntries(a: Entry, b: Entry): number {
  return rankOf(a) - rankOf(b) || compareArrival(a, b);
}

export function compareArrival(a: Entry, b: Entry): number {
  return (
    a.queuedAt.localeCompare(b.queuedAt) ||
    (a.number ?? 0) - (b.number ?? 0) ||
    (a.uid < b.uid ? -1 : Number(a.uid > b.uid))
  );
}

export function isUrgent({ priority }: Entry): boolean {
  return priority === "urgent";
}

export function isAged({ passedOver }: Entry): boolean {
  return passedOver >= maxPassedOver;
}

/** The entries of the next batch, or how long to wait for more. `waiting` is in order. */
export function chooseBatch(
  waiting: readonly Entry[],
  settings: Settings,
  now: Date,
): { entries: Entry[] } | { waitSeconds: number } {
  const [head] = waiting;
  if (!head) return { entries: [] };
  const company = isUrgent(head) && !isAged(head) ? waiting.filter((entry) => isUrgent(entry)) : waiting;
  const entries = company.slice(0, settings.maxSize);
  if (isUrgent(head) || waiting.length >= settings.minSize) return { entries };
  const oldest = Math.min(...waiting.map(({ queuedAt }) => Date.parse(queuedAt)));
  const waitSeconds = Math.ceil((oldest - now.getTime()) / 1000 + settings.waitSeconds);
  return waitSeconds > 0 ? { waitSeconds } : { entries };
}

/** Counts a batch against those that came earlier than one of its members and are not in it. */
export function countPassedOver(entries: readonly Entry[], members: ReadonlySet<string>): Entry[] {
  const began = entries.filter(({ uid }) => members.has(uid));
  return entries.map((entry) => {
    const isPassedOver =
      entry.phase === "Waiting" && !members.has(entry.uid) && began.some((member) => compareArrival(entry, member) < 0);
    return isPassedOver ? { ...entry, passedOver: entry.passedOver + 1 } : entry;
  });
}
