/** What has happened between two states, in sentences for people: Events of the queue and of its pull requests. Pure. */
import { short } from "./entries.ts";
import { candidateOf, type Entry, type QueueState } from "./state.ts";

export interface News {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
  /** About this pull request; about the queue when absent. */
  pullRequest?: { name: string; uid: string };
}

export function newsOf(before: QueueState, after: QueueState): News[] {
  return [...newsOfBatch(before, after), ...newsOfEntries(before, after)];
}

function newsOfBatch(before: QueueState, after: QueueState): News[] {
  const news: News[] = [];
  const { batch } = after;
  if (after.lastLandedCommit && after.lastLandedCommit !== before.lastLandedCommit) {
    const landed = landedBetween(before, after).map(({ pullRequest }) => pullRequest);
    news.push(normal("Landed", `${landed.join(", ")} as ${short(after.lastLandedCommit)}`));
  }
  if (!batch) {
    const given = after.entries.find(({ reason }) => reason === "Rebuilding");
    if (before.batch && given) news.push(normal("Rebuilding", given.message ?? ""));
    return news;
  }
  const candidate = candidateOf(batch);
  const isNew = !before.batch || candidateOf(before.batch).commit !== candidate.commit;
  const names = batch.members.slice(0, batch.probe).map(({ pullRequest }) => pullRequest);
  if (isNew && batch.bad === undefined)
    news.push(normal("CandidateBuilt", `${short(candidate.commit)}: ${names.join(", ")} on ${short(batch.baseSha)}`));
  else if (isNew) {
    const message = `${batch.failure?.message ?? ""}; round ${batch.round} tests ${short(candidate.commit)}: ${names.join(", ")}`;
    news.push({ type: "Warning", reason: "Bisecting", message });
  } else if (batch.phase === "Landing" && before.batch?.phase === "Testing")
    news.push(normal("ChecksPassed", `of ${short(candidate.commit)}: ${names.join(", ")} land`));
  return news;
}

function newsOfEntries(before: QueueState, after: QueueState): News[] {
  const known = new Set(before.entries.map(({ uid }) => uid));
  const phases = new Map(before.entries.map(({ uid, phase }) => [uid, phase]));
  return after.entries.flatMap((entry): News[] => {
    const about = { name: entry.pullRequest, uid: entry.uid };
    if (!known.has(entry.uid)) return [{ ...normal("Queued", `${entry.priority} priority`), pullRequest: about }];
    if (entry.phase !== "Leaving" || phases.get(entry.uid) === "Leaving") return [];
    const { reason = "", message = "" } = entry;
    return [
      { type: "Warning", reason, message, pullRequest: about },
      { type: "Warning", reason: "SentBack", message: `${entry.pullRequest}: ${message}` },
    ];
  });
}

export function landedBetween(before: QueueState, after: QueueState): Entry[] {
  const phases = new Map(before.entries.map(({ uid, phase }) => [uid, phase]));
  return after.entries.filter(({ uid, phase }) => phase === "Landed" && phases.get(uid) !== "Landed");
}

function normal(reason: string, message: string): News {
  return { type: "Normal", reason, message };
}
