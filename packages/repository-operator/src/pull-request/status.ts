/** Status of an open pull request from everything that was found out about it: pure. */
import type { ConditionInput, ObjectOf, Pipeline, PullRequest } from "@krate/kinds";
import { findCondition, isFalse, isTrue, isUnknown } from "@krate/kinds";
import type { Analysis } from "./analysis.ts";
import type { ChecksSummary } from "./checks.ts";
import type { ReviewSummary } from "./reviews.ts";

export type PullRequestObject = ObjectOf<typeof PullRequest>;
export type PullRequestStatus = NonNullable<PullRequestObject["status"]>;

/** Bound of `status.changedFiles` and of one path in it. */
const maxChangedFiles = 300;
const maxPathLength = 1024;
const maxPipelines = 20;
const maxReviewers = 100;

/** Why head or base is no commit. */
export interface Unresolved {
  reason: "BranchMissing" | "RepositoryMissing";
  message: string;
}

export interface Verdicts {
  reviews: ReviewSummary;
  reviewsCondition: ConditionInput;
  checks: ChecksSummary;
  checksCondition: ConditionInput;
  pipelines: string[];
}

export interface PlannedStatus {
  status: { [Field in keyof PullRequestStatus]?: PullRequestStatus[Field] | undefined };
  conditions: ConditionInput[];
}

/** Merged, or closed for now. */
export function hasEnded({ status }: PullRequestObject): boolean {
  return status?.phase === "Merged" || status?.phase === "Closed";
}

export function planUnresolved(pullRequest: PullRequestObject, { reason, message }: Unresolved): PlannedStatus {
  return {
    status: { mergeState: "Unknown" },
    conditions: [
      isFalse("HeadResolved", reason, message),
      isUnknown("Mergeable", "HeadMissing", message),
      ...notRequested(pullRequest),
    ],
  };
}

export function planStatus(pullRequest: PullRequestObject, analysis: Analysis, verdicts: Verdicts): PlannedStatus {
  const { headSha, baseSha, mergeBaseSha, files, additions, deletions } = analysis;
  const { reviews, checks, pipelines } = verdicts;
  return {
    status: {
      headSha,
      baseSha,
      mergeBaseSha,
      mergeState: mergeStateOf(pullRequest, analysis, verdicts),
      changedFiles: files.slice(0, maxChangedFiles).map(({ path }) => path.slice(0, maxPathLength)),
      changedFilesTotal: files.length,
      additions,
      deletions,
      checks,
      approvals: reviews.approvals.slice(0, maxReviewers),
      changesRequested: reviews.changesRequested.slice(0, maxReviewers),
      pipelines: pipelines.slice(0, maxPipelines),
    },
    conditions: [
      isTrue("HeadResolved", "Resolved"),
      mergeableCondition(pullRequest, analysis),
      verdicts.reviewsCondition,
      verdicts.checksCondition,
      ...notRequested(pullRequest),
    ],
  };
}

function mergeStateOf(pullRequest: PullRequestObject, { merge }: Analysis, verdicts: Verdicts) {
  if (merge.kind === "nothing") return "Behind";
  if (merge.kind === "conflicting") return "Conflicting";
  const blocked =
    pullRequest.spec.draft === true ||
    verdicts.reviewsCondition.status !== "True" ||
    verdicts.checksCondition.status !== "True";
  return blocked ? "Blocked" : "Clean";
}

function mergeableCondition({ spec }: PullRequestObject, { merge }: Analysis): ConditionInput {
  if (merge.kind === "nothing")
    return isFalse("Mergeable", "Behind", "the base has every commit of the head: there is nothing to merge");
  if (merge.kind === "conflicting") return isFalse("Mergeable", "Conflicts", `conflicts in ${shortList(merge.paths)}`);
  if (spec.draft === true) return isFalse("Mergeable", "Draft", "a draft is not merged: set draft to false");
  return isTrue("Mergeable", "Clean");
}

/** What a merge that failed has said stays until the next request; it is history, not a state that could change by itself. */
function notRequested(pullRequest: PullRequestObject): ConditionInput[] {
  const reason = findCondition(pullRequest, "Merged")?.reason;
  return reason === "MergeFailed" || reason === "HeadMoved" ? [] : [isFalse("Merged", "NotRequested")];
}

/** "a, b and 3 more": as many paths as a person reads. */
export function shortList(paths: readonly string[], max = 5): string {
  const shown = paths.slice(0, max).join(", ");
  return paths.length > max ? `${shown} and ${paths.length - max} more` : shown;
}

/** Names of the pipelines of a head, newest first: those of its push, and those of this pull request, not of another with the same head. */
export function newestPipelines(
  { metadata: { name } }: PullRequestObject,
  pipelines: readonly ObjectOf<typeof Pipeline>[],
): string[] {
  const newest = (a: ObjectOf<typeof Pipeline>, b: ObjectOf<typeof Pipeline>) =>
    (b.metadata.creationTimestamp ?? "").localeCompare(a.metadata.creationTimestamp ?? "") ||
    (a.metadata.name ?? "").localeCompare(b.metadata.name ?? "");
  return pipelines
    .filter(({ spec }) => spec.pullRequest === undefined || spec.pullRequest === name)
    .sort(newest)
    .map(({ metadata }) => metadata.name ?? "");
}
