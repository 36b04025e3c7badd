/** What a merge queue remembers, sees and does: the words of `plan.ts`. */
import type { queuePriorities } from "@krate/kinds";

export type Priority = (typeof queuePriorities)[number];

/** One pull request in the queue. `Landed`: on the base, not marked as merged yet. `Leaving`: to be told why. */
export interface Entry {
  pullRequest: string;
  uid: string;
  number?: number;
  priority: Priority;
  phase: "Waiting" | "Landed" | "Leaving";
  /** The head that was queued: no other lands. */
  headSha: string;
  /** ISO 8601. */
  queuedAt: string;
  queuedBy?: string;
  /** Batches that began with a later one instead. */
  passedOver: number;
  /** Its commit on the base. */
  commit?: string;
  reason?: string;
  message?: string;
  /** Since when it has landed, ISO 8601. */
  since?: string;
}

/** One commit of a batch: the pull request merged onto the member before, the first onto the base. */
export interface Member {
  pullRequest: string;
  uid: string;
  headSha: string;
  commit: string;
  treeId: string;
}

export interface Failure {
  reason: "ChecksFailed" | "CheckTimeout" | "PushRefused";
  message: string;
}

/**
 * A chain of commits on the base, of which one is tested at a time. The first `good` are on the base; the first `bad` are known to fail
 * together; the first `probe` are what is tested now: their last commit is the candidate.
 */
export interface Batch {
  phase: "Testing" | "Landing";
  baseSha: string;
  /** ISO 8601: time of its commits. */
  builtAt: string;
  members: Member[];
  good: number;
  bad?: number;
  probe: number;
  /** Candidates tested so far, this one included. */
  round: number;
  testingSince: string;
  failure?: Failure;
}

export interface HistoryEntry {
  pullRequest: string;
  result: "Landed" | "Ejected";
  reason: string;
  message: string;
  at: string;
}

export interface QueueState {
  entries: Entry[];
  batch?: Batch;
  landed: number;
  ejected: number;
  lastLandedAt?: string;
  lastLandedCommit?: string;
  /** Newest first. */
  history: HistoryEntry[];
}

export const emptyQueue: QueueState = { entries: [], landed: 0, ejected: 0, history: [] };

/** A pull request that is queued here, or that the queue remembers. */
export interface ObservedPullRequest {
  pullRequest: string;
  uid: string;
  number?: number;
  /** `spec.queued`, into this branch. */
  queued: boolean;
  phase: "Draft" | "Open" | "Merging" | "Merged" | "Closed";
  priority: Priority;
  queuedAt: string;
  queuedBy?: string;
  /** The head that was queued. */
  queuedHeadSha: string;
  /** The head as its status has it, or, for a member of the batch, as the branch has it now. */
  headSha?: string;
  /** Why it may not be merged any more. */
  problem?: { reason: string; message: string };
}

export type ChecksVerdict =
  | { state: "passed" }
  | { state: "pending"; waitingFor: string[]; missing: string[] }
  | { state: "failed"; message: string };

export interface Observation {
  now: Date;
  branch: string;
  /** Absent: the branch does not exist. */
  baseSha?: string;
  pullRequests: readonly ObservedPullRequest[];
  /** Refs of candidates, ref → commit. */
  candidates: ReadonlyMap<string, string>;
  /** Of the batch there is. */
  batch?: {
    /** The candidate is on the base. */
    landed: boolean;
    checks: ChecksVerdict;
  };
}

export interface Settings {
  maxSize: number;
  minSize: number;
  waitSeconds: number;
  checkTimeoutSeconds: number;
  paused: boolean;
}

/** One step. Everything but `remember` may be done any number of times with the same result, or fails harmlessly. */
export type Action =
  /** Write the state down: on exactly the version it was planned from. Always before the effects it leads to. */
  | { kind: "remember"; state: QueueState }
  /** Compute the commits of a batch, in order; the answer goes to `beginBatch`. Changes nothing outside. */
  | { kind: "build"; baseSha: string; at: string; entries: readonly Entry[] }
  /** Create the ref of a candidate, so that pipelines see it. */
  | { kind: "push-candidate"; ref: string; commit: string }
  | { kind: "delete-candidate"; ref: string; commit: string }
  /** Make the pull request Merging: from here nothing about it changes. Refusal goes to `refuseMember`. */
  | { kind: "claim"; pullRequest: string; uid: string; headSha: string }
  /** Back from Merging to Open. */
  | { kind: "release"; pullRequest: string; uid: string }
  /** Compare-and-swap of the branch. Refusal goes to `failProbe`. */
  | { kind: "move-base"; from: string; to: string; members: readonly Member[] }
  /** Nothing to do; look again after so many seconds even if nothing changes. */
  | { kind: "wait"; seconds?: number };

/** Points at which a test may end the process: before an action, and after it. */
export type QueueStep = `queue-${"before" | "after"}-${Action["kind"]}`;

export type BuiltEntry =
  | { uid: string; result: "built"; commit: string; treeId: string }
  | { uid: string; result: "failed"; reason: string; message: string }
  /** Its change is on the base already, put there as a merge of this pull request. */
  | { uid: string; result: "landed"; commit: string; at: string };

export function candidateOf({ members, probe }: Batch): Member {
  return members[probe - 1] as Member;
}

/** Where the branch is while nobody else moves it. */
export function expectedBase({ members, good, baseSha }: Batch): string {
  return good === 0 ? baseSha : (members[good - 1] as Member).commit;
}

/** `refs/queue/<branch>/<id>`. */
export function candidateRef(branch: string, commit: string): string {
  return `refs/queue/${branch}/${commit.slice(0, 12)}`;
}
