import { checkOrder, checkReadContents } from "./linearize.ts";
import type { Operation, Recording } from "./record.ts";
import { checkLists } from "./snapshots.ts";
import { checkStreams } from "./streams.ts";
import { buildTimeline, inWords, type Violation } from "./timeline.ts";

/**
 * Everything in a recording that contradicts the promises of the API: writes and reads are linearizable, a list is one
 * state, a watch is the history. Empty for a correct server, whatever was broken meanwhile.
 */
export function check(recording: Recording): Violation[] {
  const violations: Violation[] = [];
  const report = (kind: string, text: string) => void violations.push({ kind, text });
  for (const operation of recording.operations) checkStatus(operation, report);
  const timeline = buildTimeline(recording, report);
  checkReadContents(recording, timeline, report);
  checkOrder(recording, timeline, report);
  checkLists(recording, timeline, report);
  checkStreams(recording, timeline, report);
  return violations;
}

/** Broken databases are no excuse for answers that blame the server's code. */
function checkStatus(operation: Operation, report: (kind: string, text: string) => void): void {
  const { status, reason } = operation;
  if (operation.verb === "list" && operation.outcome === "ok" && operation.revisions.length === 0)
    report("broken answer", `${inWords(operation)} was answered with success, but not with a whole list`);
  if (status === 500 || reason === "InternalError")
    report("internal error", `${inWords(operation)} was answered with ${status} ${reason}`);
}

const shown = 10;

/** The first violations in words, each kind counted. */
export function explain(violations: readonly Violation[]): string {
  if (violations.length === 0) return "no violation";
  const counts = [...Map.groupBy(violations, ({ kind }) => kind)].map(([kind, all]) => `${kind} ${all.length}`);
  const lines = violations.slice(0, shown).map(({ kind, text }) => `- ${kind}: ${text}`);
  const more = violations.length > shown ? [`  … ${violations.length - shown} more`] : [];
  return [`${violations.length} violations (${counts.join(", ")})`, ...lines, ...more].join("\n");
}
