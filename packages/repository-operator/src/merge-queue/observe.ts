/** What a queue sees: objects and refs as `plan` wants them. */
import { listRefs } from "@krate/git";
import { findCondition } from "@krate/kinds";
import { branchRef } from "../pull-request/locate.ts";
import type { PullRequestObject } from "../pull-request/status.ts";
import type { MergeQueueObject } from "./render.ts";
import type { ObservedPullRequest, Priority } from "./state.ts";

const ranks: Record<Priority, number> = { low: 0, normal: 1, high: 2, urgent: 3 };

/** `branch` is the queue's; undefined for one that never was queued. */
export function observePullRequest(
  pullRequest: PullRequestObject,
  { branch, queue }: { branch: string; queue: MergeQueueObject },
): ObservedPullRequest | undefined {
  const { metadata, spec, status } = pullRequest;
  if (!status?.queue) return undefined;
  const { at, by, headSha: queuedHeadSha } = status.queue;
  const isOurs = branchRef(spec.base ?? branch) === branchRef(branch);
  const problem = problemOf(pullRequest);
  return {
    pullRequest: metadata.name ?? "",
    uid: metadata.uid ?? "",
    ...(status.number !== undefined && { number: status.number }),
    queued: spec.queued === true && isOurs,
    phase: status.phase ?? "Open",
    priority: priorityOf(pullRequest, queue),
    queuedAt: at,
    queuedBy: by,
    queuedHeadSha,
    ...(status.headSha && { headSha: status.headSha }),
    ...(problem && { problem }),
  };
}

/** What was there when it was queued may be taken back, such as an approval. */
function problemOf(pullRequest: PullRequestObject): ObservedPullRequest["problem"] {
  const reviews = findCondition(pullRequest, "ReviewsSatisfied");
  const queue = pullRequest.status?.queue;
  if (reviews?.status !== "False" || !queue || queue.bypass) return undefined;
  // What the gate let pass and is False since before then (or the same second) has not been looked at again yet. Should it stay so, the gate
  // refuses when it is to land.
  if (reviews.lastTransitionTime <= queue.at) return undefined;
  const message = `${reviews.message}: ask for a review, then set queued to true again`;
  return { reason: "ReviewsMissing", message };
}

/** The highest of its own and those its labels give. */
export function priorityOf({ spec }: PullRequestObject, queue: MergeQueueObject): Priority {
  const labels = new Set(spec.labels);
  const given = (queue.spec.priorityLabels ?? []).filter(({ label }) => labels.has(label)).map((each) => each.priority);
  const own = spec.queuePriority ?? (given.length > 0 ? undefined : "normal");
  return [...given, ...(own ? [own] : [])].sort((a, b) => ranks[b] - ranks[a])[0] ?? "normal";
}

/** Refs of candidates for exactly this branch, ref → commit. */
export async function readCandidates(gitDir: string, branch: string): Promise<Map<string, string>> {
  const prefix = `refs/queue/${branch}/`;
  const refs = await listRefs({ gitDir }, [prefix.slice(0, -1)]);
  const own = refs.filter(({ name }) => name.startsWith(prefix) && !name.slice(prefix.length).includes("/"));
  return new Map(own.map(({ name, objectId }) => [name, objectId]));
}
