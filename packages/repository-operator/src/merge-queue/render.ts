/** The queue's state as the status of its object, and back. Pure. */
import type { MergeQueue, ObjectOf } from "@krate/kinds";
import {
  type Batch,
  candidateOf,
  candidateRef,
  type Entry,
  type HistoryEntry,
  type Member,
  type QueueState,
  type Settings,
} from "./state.ts";

export type MergeQueueObject = ObjectOf<typeof MergeQueue>;
export type MergeQueueStatus = NonNullable<MergeQueueObject["status"]>;
type Fields = { [Field in keyof MergeQueueStatus]?: MergeQueueStatus[Field] | undefined };

export function settingsOf({ spec }: MergeQueueObject): Settings {
  const { maxSize = 5, minSize = 1, waitSeconds = 300 } = spec.batch ?? {};
  return {
    maxSize,
    minSize: Math.min(minSize, maxSize),
    waitSeconds,
    checkTimeoutSeconds: spec.checkTimeoutSeconds ?? 3600,
    paused: spec.paused === true,
  };
}

export function stateOf({ status }: MergeQueueObject): QueueState {
  const { entries = [], batch, landed = 0, ejected = 0, lastLandedAt, lastLandedCommit, history = [] } = status ?? {};
  return {
    entries: entries.map(entryOf),
    ...(batch && { batch: batchOf(batch) }),
    landed,
    ejected,
    ...(lastLandedAt && { lastLandedAt }),
    ...(lastLandedCommit && { lastLandedCommit }),
    history: history as HistoryEntry[],
  };
}

type EntryFields = NonNullable<MergeQueueStatus["entries"]>[number];
type BatchFields = NonNullable<MergeQueueStatus["batch"]>;

function entryOf({ position: _position, phase, ...entry }: EntryFields): Entry {
  return { ...(entry as Omit<Entry, "phase">), phase: phase === "Landed" || phase === "Leaving" ? phase : "Waiting" };
}

function batchOf({ candidate: _candidate, treeId: _treeId, ref: _ref, ...batch }: BatchFields): Batch {
  return batch as Batch;
}

/** `branch`: without refs/heads/. Fields that are undefined are removed. */
export function statusOf(state: QueueState, branch: string, paused: boolean): Fields {
  const { entries, batch, landed, ejected, lastLandedAt, lastLandedCommit, history } = state;
  const shown = showEntries(entries, batch);
  const waiting = shown.filter(({ position }) => position > 0);
  return {
    phase: phaseOf(state, paused),
    branch,
    depth: waiting.length,
    head: waiting[0]?.pullRequest,
    entries: shown,
    batch: batch && showBatch(batch, branch),
    landed,
    ejected,
    lastLandedAt,
    lastLandedCommit,
    history,
  };
}

function phaseOf({ entries, batch }: QueueState, paused: boolean): NonNullable<MergeQueueStatus["phase"]> {
  if (batch?.phase === "Landing") return "Landing";
  if (paused) return "Paused";
  if (batch) return batch.bad === undefined ? "Testing" : "Bisecting";
  return entries.some(({ phase }) => phase === "Waiting") ? "Waiting" : "Empty";
}

/** Those of the batch stand first: they land before the others whatever their priority. */
function showEntries(entries: readonly Entry[], batch: Batch | undefined): EntryFields[] {
  const places = new Map(batch?.members.slice(batch.good).map(({ uid }, index) => [uid, index]));
  const place = ({ uid }: Entry) => places.get(uid) ?? Number.POSITIVE_INFINITY;
  const waiting = entries.filter(({ phase }) => phase === "Waiting");
  const inOrder = [...waiting].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
  const tested = new Set(batch?.members.slice(batch.good, batch.probe).map(({ uid }) => uid));
  const gone = entries.filter(({ phase }) => phase !== "Waiting");
  return [
    ...gone.map((entry) => ({ ...entry, position: 0 })),
    ...inOrder.map((entry, index) => ({
      ...entry,
      position: index + 1,
      phase: tested.has(entry.uid) ? (batch?.phase ?? "Waiting") : entry.phase,
    })),
  ] as EntryFields[];
}

function showBatch(batch: Batch, branch: string): BatchFields {
  const { commit, treeId } = candidateOf(batch) as Member;
  return { ...batch, candidate: commit, treeId, ref: candidateRef(branch, commit) } as BatchFields;
}
