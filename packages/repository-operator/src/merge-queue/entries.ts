/** Entries of the queue as they follow what people do to pull requests. Pure. */
import { compareEntries } from "./order.ts";
import type { Entry, ObservedPullRequest, QueueState } from "./state.ts";

/** Bound of `status.entries`; whoever comes later is seen when others have left. */
export const maxEntries = 200;
const maxHistory = 20;

/** Adds who is queued, forgets who is not, and lets go of who may not be merged any more; in order. */
export function syncEntries(state: QueueState, pullRequests: readonly ObservedPullRequest[]): QueueState {
  const known = new Map(state.entries.map((entry) => [entry.uid, entry]));
  const followed = pullRequests.flatMap((pullRequest) => {
    const entry = followEntry(known.get(pullRequest.uid), pullRequest);
    return entry ? [entry] : [];
  });
  const kept = [...followed].sort(compareEntries);
  const isNew = ({ uid }: Entry) => !known.has(uid);
  const room = maxEntries - kept.filter((entry) => !isNew(entry)).length;
  const admitted = new Set(kept.filter(isNew).slice(0, Math.max(0, room)));
  return letGo({ ...state, entries: kept.filter((entry) => !isNew(entry) || admitted.has(entry)) }, pullRequests);
}

function followEntry(entry: Entry | undefined, pullRequest: ObservedPullRequest): Entry | undefined {
  const { phase, queued, queuedAt, queuedHeadSha, priority } = pullRequest;
  if (phase === "Merged" || !queued) return undefined;
  const isSame = entry?.queuedAt === queuedAt && entry.headSha === queuedHeadSha;
  if (entry && isSame) return { ...entry, priority };
  if (phase !== "Open") return undefined;
  const { uid, number, queuedBy } = pullRequest;
  return {
    pullRequest: pullRequest.pullRequest,
    uid,
    ...(number !== undefined && { number }),
    priority,
    phase: "Waiting",
    headSha: queuedHeadSha,
    queuedAt,
    ...(queuedBy && { queuedBy }),
    passedOver: 0,
  };
}

function letGo(state: QueueState, pullRequests: readonly ObservedPullRequest[]): QueueState {
  const problems = new Map(pullRequests.map((pullRequest) => [pullRequest.uid, problemOf(pullRequest)]));
  const affected = state.entries.filter(({ uid, phase }) => phase === "Waiting" && problems.get(uid));
  return affected.reduce((result, { uid }) => {
    const { reason, message } = problems.get(uid) as { reason: string; message: string };
    return eject(result, uid, { reason, message });
  }, state);
}

function problemOf({ problem, headSha, queuedHeadSha }: ObservedPullRequest) {
  if (headSha !== undefined && headSha !== queuedHeadSha) {
    const message = `the head was ${short(queuedHeadSha)} when it was queued and is ${short(headSha)} now: set queued to true again to queue the new head`;
    return { reason: "HeadMoved", message };
  }
  return problem;
}

/** The entry leaves with a reason; its place in the history is taken when it has gone (`withHistory`). */
export function eject(
  state: QueueState,
  uid: string,
  { reason, message }: { reason: string; message: string },
): QueueState {
  const cut = message.length > 4000 ? `${message.slice(0, 3997)}...` : message;
  return {
    ...state,
    entries: state.entries.map((entry) =>
      entry.uid === uid ? { ...entry, phase: "Leaving", reason, message: cut } : entry,
    ),
  };
}

/** Counts who began to leave or landed between two states, and writes it down for people. */
export function withHistory(before: QueueState, after: QueueState, at: string): QueueState {
  const earlier = new Map(before.entries.map((entry) => [entry.uid, entry.phase]));
  const ended = after.entries.filter(({ uid, phase }) => phase !== "Waiting" && earlier.get(uid) !== phase);
  if (ended.length === 0) return after;
  const landed = ended.filter(({ phase }) => phase === "Landed").length;
  const history = ended.map(({ pullRequest, phase, reason, message, commit }) =>
    phase === "Landed"
      ? { pullRequest, result: "Landed" as const, reason: "Landed", message: `as ${commit}`, at }
      : { pullRequest, result: "Ejected" as const, reason: reason ?? "", message: message ?? "", at },
  );
  return {
    ...after,
    landed: after.landed + landed,
    ejected: after.ejected + ended.length - landed,
    history: [...history.reverse(), ...after.history].slice(0, maxHistory),
  };
}

export function short(sha: string): string {
  return sha.slice(0, 12);
}
