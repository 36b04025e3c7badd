/** What becomes of a batch: begun, bisected, landed, given up. Pure. */
import { eject } from "./entries.ts";
import { countPassedOver } from "./order.ts";
import {
  type Batch,
  type BuiltEntry,
  candidateOf,
  type Entry,
  type Failure,
  type Member,
  type QueueState,
} from "./state.ts";

/**
 * The state after a build. An entry that does not merge onto the bare base is let go; one that only conflicts with those before it stays
 * for the next batch.
 */
export function beginBatch(
  state: QueueState,
  { baseSha, at, built }: { baseSha: string; at: string; built: readonly BuiltEntry[] },
): QueueState {
  const members: Member[] = [];
  let next = state;
  for (const result of built) {
    const entry = next.entries.find(({ uid }) => uid === result.uid);
    if (!entry) continue;
    if (result.result === "built") {
      const { commit, treeId } = result;
      members.push({ pullRequest: entry.pullRequest, uid: entry.uid, headSha: entry.headSha, commit, treeId });
    } else if (result.result === "landed") next = landEntry(next, entry, { commit: result.commit, since: result.at });
    else if (members.length === 0) next = eject(next, entry.uid, result);
    else next = explain(next, entry, `goes into the next batch: after ${members.length} others, ${result.message}`);
  }
  if (members.length === 0) return next;
  const batch: Batch = {
    phase: "Testing",
    baseSha,
    builtAt: at,
    members,
    good: 0,
    probe: members.length,
    round: 1,
    testingSince: at,
  };
  const uids = new Set(members.map(({ uid }) => uid));
  const entries = countPassedOver(next.entries, uids).map((entry) => (uids.has(entry.uid) ? plain(entry) : entry));
  return { ...next, entries, batch };
}

/** The first `probe` members failed: the first half of them is tested, or the one that is left is let go. */
export function failProbe(state: QueueState, failure: Failure, now: string): QueueState {
  const { batch } = state;
  if (!batch) return state;
  return narrow({ ...state, batch: { ...batch, bad: batch.probe, failure } }, now);
}

/** The candidate is on the base. */
export function landProbe(state: QueueState, now: string): QueueState {
  const { batch } = state;
  if (!batch) return state;
  const landed = batch.members.slice(batch.good, batch.probe);
  const { commit } = candidateOf(batch);
  let next: QueueState = { ...state, lastLandedAt: now, lastLandedCommit: commit };
  for (const member of landed) {
    const entry = next.entries.find(({ uid }) => uid === member.uid);
    if (entry) next = landEntry(next, entry, { commit: member.commit, since: now });
  }
  if (batch.bad === undefined) return withoutBatch(next);
  return narrow({ ...next, batch: { ...batch, good: batch.probe } }, now);
}

/** The members go back to their places. `why` is shown until they are in a batch again. */
export function giveUpBatch(state: QueueState, why: string): QueueState {
  const { batch } = state;
  if (!batch) return state;
  const uids = new Set(batch.members.map(({ uid }) => uid));
  const entries = state.entries.map((entry) =>
    uids.has(entry.uid) && entry.phase === "Waiting" ? { ...entry, reason: "Rebuilding", message: why } : entry,
  );
  return withoutBatch({ ...state, entries });
}

/** One member may not be merged: without it the batch is another one. */
export function refuseMember(state: QueueState, uid: string, reason: string, message: string): QueueState {
  const isMember = state.batch?.members.some((member) => member.uid === uid);
  const next = eject(state, uid, { reason, message });
  return isMember ? giveUpBatch(next, "one of the batch may not be merged: the others are tested without it") : next;
}

/** Between `good` and `bad` stands the first that fails. */
function narrow(state: QueueState, now: string): QueueState {
  const { batch } = state;
  if (batch?.bad === undefined) return state;
  const { good, bad, members } = batch;
  if (bad - good === 1) {
    const guilty = members[good] as Member;
    const blamed = eject(state, guilty.uid, { reason: batch.failure?.reason ?? "ChecksFailed", message: blame(batch) });
    return withoutBatch(blamed);
  }
  const probe = good + Math.floor((bad - good) / 2);
  return { ...state, batch: { ...batch, phase: "Testing", probe, round: batch.round + 1, testingSince: now } };
}

function blame({ failure, good, members }: Batch): string {
  const before = members.slice(0, good).map(({ pullRequest }) => pullRequest);
  const because = before.length > 0 ? ` The same without it, with ${before.join(", ")}, passed.` : "";
  return `${failure?.message ?? "it failed"}.${because} Push a fix and set queued to true again`;
}

function landEntry(
  state: QueueState,
  { uid }: Entry,
  { commit, since }: { commit: string; since: string },
): QueueState {
  return {
    ...state,
    entries: state.entries.map((entry) =>
      entry.uid === uid ? { ...plain(entry), phase: "Landed", commit, since } : entry,
    ),
  };
}

function explain(state: QueueState, { uid }: Entry, message: string): QueueState {
  return {
    ...state,
    entries: state.entries.map((entry) => (entry.uid === uid ? { ...entry, reason: "Deferred", message } : entry)),
  };
}

function plain({ reason: _reason, message: _message, ...entry }: Entry): Entry {
  return entry;
}

function withoutBatch({ batch: _batch, ...state }: QueueState): QueueState {
  return state;
}
