/** The phase Merging of a pull request: claim, merge, say what came of it. */
import { done, type ReconcileContext, type ReconcileResult, WaitError } from "@krate/controller";
import { zeroObjectId } from "@krate/git";
import { BranchProtection, findCondition, isFalse, isTrue, PullRequest } from "@krate/kinds";
import { effectiveProtection } from "@krate/refpolicy";
import { GatewayUnavailableError } from "../git/push.ts";
import { type MergeOutcome, type MergeRequest, mergePullRequest, readRef } from "../merge/merge.ts";
import { personOfUser } from "../person.ts";
import type { OperatorPorts } from "../ports.ts";
import { isLocated, type LocatedPullRequest } from "../pull-request/locate.ts";
import type { PullRequestObject, PullRequestStatus, Unresolved } from "../pull-request/status.ts";
import { indexes } from "./indexes.ts";

type Result = ReconcileResult<PullRequestStatus>;
const condition = "Merged";
const busySeconds = 1;
const gatewayAwaySeconds = 5;

/**
 * Either of two reconciles: the first merges, or writes down why not; the second, seeing that, resets `spec.merged`. So a crash between the
 * two loses neither the reason nor the reset.
 */
export async function reconcileMerge(
  pullRequest: PullRequestObject,
  located: LocatedPullRequest | Unresolved,
  context: ReconcileContext,
  ports: OperatorPorts,
): Promise<Result> {
  const verdict = decidedAgainst(pullRequest);
  if (verdict) return reset(pullRequest, verdict, context);
  if (!isLocated(located)) return refuse("MergeFailed", located.message);
  if (located.repository.metadata.deletionTimestamp) return refuse("MergeFailed", "the repository is being deleted");
  if (located.repository.spec.archived === true) return refuse("MergeFailed", "the repository is archived");
  const method = pullRequest.spec.mergeMethod ?? located.repository.spec.merge?.default ?? "merge";
  const allowed = located.repository.spec.merge?.methods ?? ["merge", "squash", "rebase"];
  if (!allowed.includes(method))
    return refuse(
      "MergeFailed",
      `merge method ${method} is not allowed in this repository, only ${allowed.join(", ")}`,
    );
  const gitDir = (branch: LocatedPullRequest["head"]) => ports.backend.gitDir(branch.repository);
  const head = { gitDir: gitDir(located.head), ref: located.head.ref };
  const approvedHeadSha = pullRequest.status?.headSha ?? (await readRef(head));
  if (!approvedHeadSha) return refuse("HeadMoved", `head branch "${pullRequest.spec.head}" does not exist`);
  const expected = pullRequest.spec.expectedHeadSha;
  if (expected !== undefined && expected !== approvedHeadSha)
    return refuse("HeadMoved", `expectedHeadSha is ${expected}, the head is ${approvedHeadSha}`);

  const claimed = await context.claim(pullRequest, { headSha: approvedHeadSha });
  const request: MergeRequest = {
    pullRequest: subjectOf(claimed),
    repository: located.base.repository,
    base: { gitDir: gitDir(located.base), ref: located.base.ref },
    head,
    approvedHeadSha,
    method,
    author: personOfUser(claimed.status?.author?.user ?? "unknown", claimed.metadata.namespace, context),
    committer: ports.committer,
  };
  const outcome = await merge(request, context, ports);
  if (outcome.result === "busy")
    throw new WaitError(busySeconds, "the base branch moved again and again", {
      conditions: [isFalse(condition, "InProgress", "the base branch moves faster than the merge; trying again")],
    });
  if (outcome.result === "failed") return refuse(outcome.reason, outcome.message);
  const how = `${method} of ${approvedHeadSha} into ${located.base.ref.replace(/^refs\/heads\//, "")}`;
  return finishMerge({ pullRequest: claimed, located, approvedHeadSha, how, ...outcome }, context, ports);
}

/** The change is on the base: tidies up and says so. */
export async function finishMerge(
  merge: {
    pullRequest: PullRequestObject;
    located: LocatedPullRequest;
    approvedHeadSha: string;
    how: string;
    commitId: string;
    at: string;
  },
  context: ReconcileContext,
  ports: OperatorPorts,
): Promise<Result> {
  const { pullRequest, how, commitId, at } = merge;
  await deleteHeadBranch(merge, context, ports);
  await ports.checkpoint?.("branch-deleted");
  context.events.record(pullRequest, "Normal", "MergedByRequest", `${how}: ${commitId}`);
  return done({
    status: { phase: "Merged", mergeState: "Clean", mergeCommitSha: commitId, mergedAt: at },
    conditions: [isTrue(condition, "MergedByRequest", how)],
  });
}

async function merge(request: MergeRequest, context: ReconcileContext, ports: OperatorPorts): Promise<MergeOutcome> {
  const { gateway, checkpoint } = ports;
  try {
    return await mergePullRequest(request, { gateway, checkpoint, now: context.now, signal: context.signal });
  } catch (error) {
    if (!(error instanceof GatewayUnavailableError)) throw error;
    context.log.warn({ err: error }, "git-gateway is not available for a merge");
    throw new WaitError(gatewayAwaySeconds, error.message, {
      cause: error,
      conditions: [isFalse(condition, "InProgress", `${error.message}; trying again`)],
    });
  }
}

/** The reason of a merge that was decided against in this generation of the object: only the reset is left to do. */
export function decidedAgainst(pullRequest: PullRequestObject): { reason: string; message: string } | undefined {
  const merged = findCondition(pullRequest, condition);
  const isOfNow = merged?.observedGeneration === pullRequest.metadata.generation;
  return isOfNow && (merged?.reason === "MergeFailed" || merged?.reason === "HeadMoved") ? merged : undefined;
}

export function refuse(reason: "MergeFailed" | "HeadMoved", message: string): Result {
  return done({ conditions: [isFalse(condition, reason, message)] });
}

/** Only on this version: whoever changed the object meanwhile made a new generation, which is a new request. */
export async function reset(
  pullRequest: PullRequestObject,
  { reason, message }: { reason: string; message: string },
  { client, events }: ReconcileContext,
): Promise<Result> {
  const { namespace = "", name = "", resourceVersion } = pullRequest.metadata;
  const patch = { metadata: { resourceVersion }, spec: { merged: false } };
  await client.patch(PullRequest, { namespace, name }, patch, { type: "merge" });
  events.record(pullRequest, "Warning", reason, `not merged: ${message}`);
  return done();
}

/** Best effort: the merge stands whatever comes of it. */
async function deleteHeadBranch(
  {
    pullRequest,
    located,
    approvedHeadSha,
  }: { pullRequest: PullRequestObject; located: LocatedPullRequest; approvedHeadSha: string },
  { events, lister, log }: ReconcileContext,
  ports: OperatorPorts,
): Promise<void> {
  const { base } = located;
  const { repository } = base;
  const head = { gitDir: ports.backend.gitDir(located.head.repository), ref: located.head.ref };
  if (located.repository.spec.merge?.deleteHeadBranch !== true || located.fork) return;
  if (head.ref === base.ref || head.ref === `refs/heads/${located.repository.spec.defaultBranch ?? "main"}`) return;
  // The gateway lets the operator bypass protections: what is protected is kept here.
  const protections = lister(BranchProtection).list(repository.namespace);
  const protection = effectiveProtection(protections, located.repository, head.ref);
  if (protection && !protection.allowDeletion) {
    const sources = protection.sources.map((source) => `BranchProtection/${source}`).join(", ");
    events.record(pullRequest, "Normal", "HeadBranchKept", `${pullRequest.spec.head} is protected by ${sources}`);
    return;
  }
  const others = lister(PullRequest)
    .byIndex(indexes.open, `${repository.namespace}/${repository.name}`)
    .filter(({ metadata, spec }) => {
      const uses = [spec.head, spec.base].some((branch) => `refs/heads/${branch}` === head.ref);
      return uses && metadata.uid !== pullRequest.metadata.uid;
    });
  if (others.length > 0 || (await readRef(head)) !== approvedHeadSha) return;
  try {
    const update = { ref: head.ref, newId: zeroObjectId, expectedId: approvedHeadSha };
    const outcome = await ports.gateway.push(repository, update, { from: { gitDir: head.gitDir } });
    if (outcome.result === "refused")
      events.record(pullRequest, "Warning", "HeadBranchKept", `${pullRequest.spec.head}: ${outcome.reason}`);
  } catch (error) {
    if (!(error instanceof GatewayUnavailableError)) throw error;
    log.warn({ err: error }, "the head branch of a merged pull request could not be deleted");
  }
}

export function subjectOf({ metadata, spec, status }: PullRequestObject): MergeRequest["pullRequest"] {
  return {
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    uid: metadata.uid ?? "",
    title: spec.title,
    ...(status?.number !== undefined && { number: status.number }),
    ...(spec.body && { body: spec.body }),
  };
}
