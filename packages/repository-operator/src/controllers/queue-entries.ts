/**
 * Tells a pull request how it stands in the merge queue (condition Queued), and takes out of the queue whom the queue sends back: in one
 * reconcile it is said why, in the next, seeing that, `spec.queued` is reset, so that no crash between the two loses the reason.
 */
import { type Controller, defineController, done, type ReconcileResult, watch } from "@krate/controller";
import { type ConditionInput, findCondition, isFalse, isTrue, MergeQueue, PullRequest, Repository } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import { queueOf } from "../merge-queue/queue-of.ts";
import type { MergeQueueObject } from "../merge-queue/render.ts";
import { hasEnded, type PullRequestObject, type PullRequestStatus } from "../pull-request/status.ts";
import { indexes, queueLookup } from "./indexes.ts";

const condition = "Queued";

export function queueEntries(): Controller {
  return defineController({
    name: "queue-entries",
    for: PullRequest,
    concurrency: 4,
    reads: [Repository],
    watches: [
      watch(MergeQueue, ({ metadata, spec, status }, { lister }) => {
        const namespace = metadata.namespace ?? "";
        const open = lister(PullRequest).byIndex(indexes.open, `${namespace}/${spec.repository}`);
        const queued = open.filter((pullRequest) => pullRequest.spec.queued === true);
        const names = [...queued.map((each) => each.metadata.name ?? ""), ...entryNames(status)];
        return [...new Set(names)].map((name) => ({ namespace, name }));
      }),
    ],
    async reconcile(pullRequest, context) {
      const told = tell(pullRequest, queueOf(pullRequest, queueLookup(context)));
      if (!told) return done();
      if (told.leaves && isTold(pullRequest, told.condition)) return leave(pullRequest, context.client);
      return done({ conditions: [told.condition] });
    },
  });
}

const entryNames = (status: MergeQueueObject["status"]) => (status?.entries ?? []).map((entry) => entry.pullRequest);

/** What the condition is to say; undefined: what it says stays. `leaves`: the pull request is to be taken out. */
export function tell(
  pullRequest: PullRequestObject,
  queue: MergeQueueObject | undefined,
): { condition: ConditionInput; leaves: boolean } | undefined {
  const before = findCondition(pullRequest, condition);
  const stays = (input: ConditionInput) => ({ condition: input, leaves: false });
  if (pullRequest.spec.queued !== true) {
    // Why it was sent back stays until it is queued again.
    return before?.status === "True" && !hasEnded(pullRequest) ? stays(isFalse(condition, "NotRequested")) : undefined;
  }
  if (pullRequest.status?.phase === "Merged") return stays(isTrue(condition, "Landed"));
  if (pullRequest.status?.phase === "Closed") return { condition: isFalse(condition, "NotRequested"), leaves: true };
  if (!queue) {
    const message = "there is no MergeQueue for its base any more: set merged instead";
    return { condition: isFalse(condition, "NoQueue", message), leaves: true };
  }
  const at = pullRequest.status?.queue?.at;
  const entry = queue.status?.entries?.find(({ uid, queuedAt }) => uid === pullRequest.metadata.uid && queuedAt === at);
  const name = `MergeQueue/${queue.metadata.name}`;
  if (!entry) return stays(isTrue(condition, "Waiting", `in ${name}`));
  if (entry.phase === "Leaving")
    return { condition: isFalse(condition, entry.reason ?? "MergeRefused", entry.message ?? ""), leaves: true };
  if (entry.phase === "Waiting") return stays(isTrue(condition, "Waiting", entry.message ?? `in ${name}`));
  return stays(isTrue(condition, entry.phase, `in ${name}`));
}

function isTold(pullRequest: PullRequestObject, { status, reason, message }: ConditionInput): boolean {
  const said = findCondition(pullRequest, condition);
  const isSame = said?.status === status && said.reason === reason && said.message === message;
  return isSame && said.observedGeneration === pullRequest.metadata.generation;
}

/** One that is Merging is let go by its queue first. */
async function leave(pullRequest: PullRequestObject, client: KubeClient): Promise<ReconcileResult<PullRequestStatus>> {
  if (pullRequest.status?.phase === "Merging") return done();
  const { namespace = "", name = "", resourceVersion } = pullRequest.metadata;
  const patch = { metadata: { resourceVersion }, spec: { queued: false } };
  await client.patch(PullRequest, { namespace, name }, patch, { type: "merge" });
  return done();
}
