/** Who approved, and whether that is enough: the same counting as the merge gate of the API server. */
import type { ConditionInput, ObjectOf, PullRequest, Review } from "@krate/kinds";
import { isFalse, isTrue } from "@krate/kinds";
import type { EffectiveProtection } from "@krate/refpolicy";

type ReviewObject = ObjectOf<typeof Review>;

export interface Approval {
  user: string;
  teams?: string[];
  sha: string;
  at: string;
}

export interface ReviewSummary {
  /** Current, by others than the author; sorted by user. */
  approvals: Approval[];
  /** Users whose latest verdict requests changes, sorted. */
  changesRequested: string[];
}

/**
 * One verdict per reviewer: the newest that is neither a comment nor dismissed. An approval counts when it is not the author's and, unless
 * the protection keeps stale ones, of the current head. A request for changes stands until its author or a maintainer takes it back.
 */
export function summarizeReviews(
  reviews: readonly ReviewObject[],
  context: { author: string | undefined; headSha: string; keepStale: boolean },
): ReviewSummary {
  const latest = [...latestVerdicts(reviews).values()];
  const approvals = latest
    .filter(
      ({ spec, status }) =>
        spec.decision === "approve" &&
        status?.author?.user !== context.author &&
        (context.keepStale || spec.commitSha === context.headSha),
    )
    .map(
      ({ metadata, spec, status }): Approval => ({
        user: status?.author?.user ?? "",
        ...(status?.authorTeams && { teams: [...status.authorTeams].sort() }),
        sha: spec.commitSha ?? context.headSha,
        at: status?.submittedAt ?? metadata.creationTimestamp ?? "",
      }),
    );
  const changesRequested = latest
    .filter(({ spec }) => spec.decision === "request-changes")
    .map(({ status }) => status?.author?.user ?? "");
  return { approvals: approvals.sort((a, b) => (a.user < b.user ? -1 : 1)), changesRequested: changesRequested.sort() };
}

function latestVerdicts(reviews: readonly ReviewObject[]): Map<string, ReviewObject> {
  const byUser = new Map<string, ReviewObject>();
  const counting = reviews.filter(({ spec }) => spec.dismissed !== true && spec.decision !== "comment");
  for (const review of counting.sort((a, b) => (submitted(a) < submitted(b) ? -1 : 1))) {
    const user = review.status?.author?.user;
    if (user) byUser.set(user, review);
  }
  return byUser;
}

/** Reviews of one second are told apart by their version, which only grows. */
function submitted({ metadata, status }: ReviewObject): string {
  const at = status?.submittedAt ?? metadata.creationTimestamp ?? "";
  return `${at}/${(metadata.resourceVersion ?? "").padStart(20, "0")}`;
}

/** Reviewers who still have to say something, in words; `codeOwners`: groups of owners of which one each must have approved. */
export function reviewsCondition(
  summary: ReviewSummary,
  protection: EffectiveProtection | undefined,
  codeOwners: readonly MissingOwners[] = [],
): ConditionInput {
  const type = "ReviewsSatisfied";
  const { approvals, changesRequested } = summary;
  const required = protection?.requiredApprovals ?? 0;
  const teams = protection?.requiredTeams ?? [];
  const message = `${approvals.length} of ${required} required approvals`;
  if (required > 0 && changesRequested.length > 0)
    return isFalse(type, "ChangesRequested", `${changesRequested.join(", ")} requested changes`);
  if (approvals.length < required) return isFalse(type, "ApprovalsMissing", message);
  const missing = teams.filter((team) => !approvals.some((approval) => approval.teams?.includes(team)));
  if (missing.length > 0) return isFalse(type, "TeamMissing", `no member of team ${missing.join(", ")} has approved`);
  const [unowned] = codeOwners;
  if (unowned)
    return isFalse(type, "ApprovalsMissing", `${unowned.path} needs an approval of ${unowned.owners.join(" or ")}`);
  if (required === 0 && teams.length === 0 && protection?.requireCodeOwners !== true)
    return isTrue(type, "NoneRequired", "no protection of the base asks for reviews");
  return isTrue(type, "Satisfied", message);
}

/** Undefined: leave it as it is, for the pull request has ended or its head is not known. */
export function reviewPhase(
  { spec }: ReviewObject,
  pullRequest: ObjectOf<typeof PullRequest>,
  protection: EffectiveProtection | undefined,
): "Submitted" | "Stale" | "Dismissed" | undefined {
  if (spec.dismissed === true) return "Dismissed";
  const { phase, headSha } = pullRequest.status ?? {};
  if (phase === "Merged" || phase === "Closed" || headSha === undefined) return undefined;
  const isStale =
    spec.decision === "approve" && spec.commitSha !== headSha && protection?.dismissStaleApprovals !== false;
  return isStale ? "Stale" : "Submitted";
}

export interface MissingOwners {
  path: string;
  owners: string[];
}
