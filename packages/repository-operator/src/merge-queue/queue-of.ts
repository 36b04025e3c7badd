/** Which queue a pull request belongs to. Pure look-ups. */
import { branchRef } from "../pull-request/locate.ts";
import type { PullRequestObject } from "../pull-request/status.ts";
import type { MergeQueueObject } from "./render.ts";

export interface QueueLookup {
  /** Queues of a namespace. */
  queues(namespace: string): readonly MergeQueueObject[];
  defaultBranch(key: { namespace: string; name: string }): string | undefined;
}

export function branchOf({ metadata, spec }: MergeQueueObject, { defaultBranch }: QueueLookup): string {
  const branch = spec.branch ?? defaultBranch({ namespace: metadata.namespace ?? "", name: spec.repository }) ?? "main";
  return branch.replace(/^refs\/heads\//, "");
}

/** The queue of a branch: of several the oldest, so that a second one changes nothing. */
export function queueOfBranch(
  { namespace, repository, branch }: { namespace: string; repository: string; branch: string },
  lookup: QueueLookup,
): MergeQueueObject | undefined {
  const ref = branchRef(branch);
  return lookup
    .queues(namespace)
    .filter(({ metadata, spec }) => spec.repository === repository && !metadata.deletionTimestamp)
    .filter((queue) => branchRef(branchOf(queue, lookup)) === ref)
    .sort(compareAge)[0];
}

export function queueOf({ metadata, spec }: PullRequestObject, lookup: QueueLookup): MergeQueueObject | undefined {
  const namespace = metadata.namespace ?? "";
  const { repository } = spec;
  const branch = spec.base ?? lookup.defaultBranch({ namespace, name: repository }) ?? "main";
  return queueOfBranch({ namespace, repository, branch }, lookup);
}

function compareAge(a: MergeQueueObject, b: MergeQueueObject): number {
  return (
    (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? "") ||
    (a.metadata.name ?? "").localeCompare(b.metadata.name ?? "")
  );
}
