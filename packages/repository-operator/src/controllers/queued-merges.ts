/** The phase Merging of a pull request that is queued: its MergeQueue moves the branch, here it is only said what came of it. */
import type { MapContext, ReconcileContext, ReconcileResult } from "@krate/controller";
import { isFalse, type MergeQueue, type ObjectOf } from "@krate/kinds";
import type { ObjectKey } from "@krate/kube";
import { scratchRepository } from "../git/scratch.ts";
import { findLanded } from "../merge/landed.ts";
import { readRef } from "../merge/merge.ts";
import { queueOf } from "../merge-queue/queue-of.ts";
import type { OperatorPorts } from "../ports.ts";
import { isLocated, type LocatedPullRequest } from "../pull-request/locate.ts";
import type { PullRequestObject, PullRequestStatus, Unresolved } from "../pull-request/status.ts";
import { queueLookup } from "./indexes.ts";
import { decidedAgainst, finishMerge, refuse, reset, subjectOf } from "./merging.ts";

type Result = ReconcileResult<PullRequestStatus>;
/** Looks again should the queue say nothing. */
const waitSeconds = 60;

/** Pull requests that a queue says have landed: to be marked as merged. */
export function landedKeys({ metadata, status }: ObjectOf<typeof MergeQueue>, _context: MapContext): ObjectKey[] {
  const namespace = metadata.namespace ?? "";
  const landed = (status?.entries ?? []).filter(({ phase }) => phase === "Landed");
  return landed.map(({ pullRequest }) => ({ namespace, name: pullRequest }));
}

export async function reconcileQueuedMerge(
  pullRequest: PullRequestObject,
  located: LocatedPullRequest | Unresolved,
  context: ReconcileContext,
  ports: OperatorPorts,
): Promise<Result> {
  const verdict = decidedAgainst(pullRequest);
  if (verdict) return reset(pullRequest, verdict, context);
  if (!isLocated(located)) return refuse("MergeFailed", located.message);
  const approvedHeadSha = pullRequest.status?.queue?.headSha ?? "";
  const queue = queueOf(pullRequest, queueLookup(context));
  const name = queue && `MergeQueue/${queue.metadata.name}`;
  const entry = queue?.status?.entries?.find(({ uid }) => uid === pullRequest.metadata.uid);
  if (entry?.phase === "Landed" && entry.commit && entry.since) {
    const how = `${name} landed ${approvedHeadSha}`;
    const landed = { commitId: entry.commit, at: entry.since };
    return finishMerge({ pullRequest, located, approvedHeadSha, how, ...landed }, context, ports);
  }
  if (name)
    return { conditions: [isFalse("Merged", "InProgress", `${name} is landing it`)], requeueAfterSeconds: waitSeconds };
  // What a queue has landed before it was deleted has landed; everything else is taken back.
  const landed = await findOnBase({ pullRequest, located, approvedHeadSha }, context, ports);
  const how = `a MergeQueue landed ${approvedHeadSha}`;
  if (landed) return finishMerge({ pullRequest, located, approvedHeadSha, how, ...landed }, context, ports);
  return refuse("MergeFailed", "its MergeQueue was deleted before it landed");
}

async function findOnBase(
  merge: { pullRequest: PullRequestObject; located: LocatedPullRequest; approvedHeadSha: string },
  { signal }: ReconcileContext,
  { backend }: OperatorPorts,
) {
  const { pullRequest, located, approvedHeadSha } = merge;
  const gitDir = backend.gitDir(located.base.repository);
  const baseSha = await readRef({ gitDir, ref: located.base.ref });
  if (baseSha === undefined || approvedHeadSha === "") return undefined;
  const gitDirs = [...new Set([gitDir, backend.gitDir(located.head.repository)])];
  await using scratch = await scratchRepository(gitDirs, { signal });
  return findLanded({ pullRequest: subjectOf(pullRequest), headSha: approvedHeadSha, baseSha }, scratch.read);
}
