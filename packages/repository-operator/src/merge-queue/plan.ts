/**
 * What a merge queue does next: from what it remembers and what it sees to one action. Pure; `plan.model.test.ts` checks it against a
 * model.
 *
 *   wait ── build ──► remember batch ── push-candidate ──► checks of the candidate
 *    ▲                    ▲                                  │ failed: half of it, or let the one go ──► remember
 *    │                    │ base moved, member gone          │ passed
 *    │                    └──────────────────────────────────┤
 *    └── remember landed ◄── move-base ◄── claim each ◄── remember landing
 *
 * State is written before the effects it leads to, effects can be repeated, and nothing is derived from what an effect returned but from
 * what is seen afterwards. So whoever runs this may be killed at any line. What lands is the candidate, the very commit whose checks
 * passed, from exactly the base it was built on: tree(landed) == tree(tested).
 */
import { beginBatch, failProbe, giveUpBatch, landProbe, refuseMember } from "./batch.ts";
import { short, syncEntries, withHistory } from "./entries.ts";
import { chooseBatch, isAged, isUrgent } from "./order.ts";
import {
  type Action,
  type Batch,
  type BuiltEntry,
  candidateOf,
  candidateRef,
  type Entry,
  expectedBase,
  type Failure,
  type Observation,
  type QueueState,
  type Settings,
} from "./state.ts";

export function plan(state: QueueState, seen: Observation, settings: Settings): Action {
  const next = advance(state, seen, settings);
  if (next !== state && JSON.stringify(next) !== JSON.stringify(state)) return { kind: "remember", state: next };
  return nextEffect(next, seen, settings);
}

/** Answers of effects that change what is remembered. */
export const after = {
  build: (state: QueueState, input: { baseSha: string; at: string; built: readonly BuiltEntry[] }): QueueState =>
    withHistory(state, beginBatch(state, input), input.at),
  refusedClaim: (state: QueueState, { uid, message, now }: { uid: string; message: string; now: string }): QueueState =>
    withHistory(state, refuseMember(state, uid, "MergeRefused", message), now),
  refusedMove: (state: QueueState, { message, now }: { message: string; now: string }): QueueState => {
    const failure: Failure = { reason: "PushRefused", message: `the branch may not be moved to it: ${message}` };
    return withHistory(state, failProbe(state, failure, now), now);
  },
};

function advance(state: QueueState, seen: Observation, settings: Settings): QueueState {
  const now = isoSeconds(seen.now);
  const synced = syncEntries(state, seen.pullRequests);
  return withHistory(state, advanceBatch(synced, seen, settings), now);
}

function advanceBatch(state: QueueState, seen: Observation, settings: Settings): QueueState {
  const { batch } = state;
  if (!batch) return state;
  const now = isoSeconds(seen.now);
  // Before everything else: what has landed has landed, whatever has become of its members.
  if (batch.phase === "Landing" && seen.batch?.landed) return landProbe(state, now);
  const lost = batch.members.slice(batch.good).find(({ uid }) => !isWaiting(state, uid));
  if (lost) return giveUpBatch(state, `${lost.pullRequest} left the batch: the others are tested without it`);
  if (seen.baseSha !== expectedBase(batch)) return giveUpBatch(state, `${seen.branch} was moved by somebody else`);
  if (batch.phase === "Landing") return state;
  if (isInterrupted(state, batch)) return interrupt(state, batch);
  return judge(state, batch, seen, settings);
}

function judge(state: QueueState, batch: Batch, seen: Observation, settings: Settings): QueueState {
  const checks = seen.batch?.checks;
  const now = isoSeconds(seen.now);
  // Verdicts of a commit that nobody was shown are none of ours.
  if (!checks || !isPushed(batch, seen)) return state;
  if (checks.state === "failed") {
    const message = `${checks.message} on candidate ${describe(batch, seen.branch)}`;
    return failProbe(state, { reason: "ChecksFailed", message }, now);
  }
  if (checks.state === "passed") return settings.paused ? state : { ...state, batch: { ...batch, phase: "Landing" } };
  if (secondsLeft(batch, seen, settings) > 0) return state;
  return failProbe(state, { reason: "CheckTimeout", message: timeoutMessage(batch, seen, settings) }, now);
}

function timeoutMessage(batch: Batch, seen: Observation, { checkTimeoutSeconds }: Settings): string {
  const checks = seen.batch?.checks;
  const { missing, waitingFor } = checks?.state === "pending" ? checks : { missing: [], waitingFor: [] };
  const hint =
    missing.length > 0
      ? ` (${missing.join(", ")} never began: does a workflow run on merge_group, pull_request or every push?)`
      : "";
  return `${waitingFor.join(", ")} did not complete within ${checkTimeoutSeconds} s on candidate ${describe(batch, seen.branch)}${hint}`;
}

function describe(batch: Batch, branch: string): string {
  const names = batch.members.slice(0, batch.probe).map(({ pullRequest }) => pullRequest);
  return `${short(candidateOf(batch).commit)} (${branch} with ${names.join(", ")})`;
}

function nextEffect(state: QueueState, seen: Observation, settings: Settings): Action {
  return (
    releaseOf(state, seen) ??
    deletionOf(state, seen) ??
    claimOfLanded(state, seen) ??
    (state.batch ? effectOfBatch(state.batch, seen, settings) : beginning(state, seen, settings))
  );
}

/** Who is Merging and neither landing nor landed: the batch it was claimed for is gone. */
function releaseOf({ entries, batch }: QueueState, { pullRequests }: Observation): Action | undefined {
  const landing = new Set(
    batch?.phase === "Landing" ? batch.members.slice(batch.good, batch.probe).map(({ uid }) => uid) : [],
  );
  const landed = new Set(entries.filter(({ phase }) => phase === "Landed").map(({ uid }) => uid));
  const stray = pullRequests.find(
    ({ uid, phase, queued }) => phase === "Merging" && queued && !landing.has(uid) && !landed.has(uid),
  );
  return stray && { kind: "release", pullRequest: stray.pullRequest, uid: stray.uid };
}

function deletionOf({ batch }: QueueState, { branch, candidates }: Observation): Action | undefined {
  const current = batch && candidateRef(branch, candidateOf(batch).commit);
  for (const [ref, commit] of candidates)
    if (ref !== current || commit !== (batch && candidateOf(batch).commit))
      return { kind: "delete-candidate", ref, commit };
  return undefined;
}

function claimOfLanded({ entries }: QueueState, { pullRequests }: Observation): Action | undefined {
  const open = new Set(pullRequests.filter(({ phase }) => phase === "Open").map(({ uid }) => uid));
  const found = entries.find(({ uid, phase }) => phase === "Landed" && open.has(uid));
  return found && { kind: "claim", pullRequest: found.pullRequest, uid: found.uid, headSha: found.headSha };
}

function effectOfBatch(batch: Batch, seen: Observation, settings: Settings): Action {
  const { commit } = candidateOf(batch);
  if (batch.phase === "Testing") {
    if (!isPushed(batch, seen)) return { kind: "push-candidate", ref: candidateRef(seen.branch, commit), commit };
    return settings.paused ? { kind: "wait" } : { kind: "wait", seconds: secondsLeft(batch, seen, settings) };
  }
  const members = batch.members.slice(batch.good, batch.probe);
  const phases = new Map(seen.pullRequests.map(({ uid, phase }) => [uid, phase]));
  const unclaimed = members.find(({ uid }) => phases.get(uid) !== "Merging");
  if (unclaimed) {
    const { pullRequest, uid, headSha } = unclaimed;
    return { kind: "claim", pullRequest, uid, headSha };
  }
  return { kind: "move-base", from: expectedBase(batch), to: commit, members };
}

function beginning(state: QueueState, seen: Observation, settings: Settings): Action {
  if (settings.paused || seen.baseSha === undefined) return { kind: "wait" };
  const waiting = state.entries.filter(({ phase }) => phase === "Waiting");
  const chosen = chooseBatch(waiting, settings, seen.now);
  if ("waitSeconds" in chosen) return { kind: "wait", seconds: chosen.waitSeconds };
  if (chosen.entries.length === 0) return { kind: "wait" };
  return { kind: "build", baseSha: seen.baseSha, at: isoSeconds(seen.now), entries: chosen.entries };
}

function isPushed(batch: Batch, { branch, candidates }: Observation): boolean {
  const { commit } = candidateOf(batch);
  return candidates.get(candidateRef(branch, commit)) === commit;
}

function isWaiting({ entries }: QueueState, uid: string): boolean {
  return entries.some((entry) => entry.uid === uid && entry.phase === "Waiting");
}

/** An urgent one waits while others are tested that could wait longer. */
function isInterrupted({ entries }: QueueState, batch: Batch): boolean {
  const uids = new Set(batch.members.slice(batch.good).map(({ uid }) => uid));
  const members = entries.filter(({ uid }) => uids.has(uid));
  if (members.some((entry) => isUrgent(entry) || isAged(entry))) return false;
  return entries.some((entry) => entry.phase === "Waiting" && isUrgent(entry) && !uids.has(entry.uid));
}

function interrupt(state: QueueState, batch: Batch): QueueState {
  const uids = new Set(batch.members.slice(batch.good).map(({ uid }) => uid));
  const count = (entry: Entry) => (uids.has(entry.uid) ? { ...entry, passedOver: entry.passedOver + 1 } : entry);
  return giveUpBatch({ ...state, entries: state.entries.map(count) }, "an urgent pull request goes first");
}

function secondsLeft({ testingSince }: Batch, { now }: Observation, { checkTimeoutSeconds }: Settings): number {
  return Math.ceil((Date.parse(testingSince) - now.getTime()) / 1000) + checkTimeoutSeconds;
}

export function isoSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}
