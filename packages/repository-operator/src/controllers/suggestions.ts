/**
 * Commits suggestions to the head branch (PR-04):
 *
 *   applySuggestion: true ── on the head already? ──► Applied
 *                         └─ may not be applied ──► SuggestionApplied=False with the reason; set it false and true again to ask anew
 *                         └─ commit on the head as it is now, push with that head expected ── moved ──► again
 *
 * The author of the commit is who asked, the committer is the server. What the server may do counts for nothing: who asks must be
 * allowed to push to the head branch, and a protected branch is left alone. Comments named by `applyTogether` learn from theirs.
 */
import {
  type Controller,
  defineController,
  done,
  type ReconcileContext,
  type ReconcileResult,
  WaitError,
  watch,
} from "@krate/controller";
import { RepositoryMissingError } from "@krate/git";
import {
  BranchProtection,
  findCondition,
  isFalse,
  isTrue,
  type ObjectOf,
  PullRequest,
  Repository,
  ReviewComment,
  User,
} from "@krate/kinds";
import { accessReview } from "@krate/kube";
import { effectiveProtection } from "@krate/refpolicy";
import { GatewayUnavailableError } from "../git/push.ts";
import { scratchRepository } from "../git/scratch.ts";
import { secondsOf } from "../merge/landed.ts";
import { signatureOf } from "../merge/message.ts";
import { personOfUser } from "../person.ts";
import type { OperatorPorts } from "../ports.ts";
import { Anchors } from "../pull-request/anchors.ts";
import { isLocated, type LocatedPullRequest, locate } from "../pull-request/locate.ts";
import { type AppliedComment, commitFiles, findApplied, renderMessage } from "../suggestion/commit.ts";
import { editFiles, NotApplicableError, type NotApplicableReason } from "../suggestion/edit-files.ts";
import { indexes, repositoryLookup } from "./indexes.ts";

type Comment = ObjectOf<typeof ReviewComment>;
type Result = ReconcileResult<NonNullable<Comment["status"]>>;

const condition = "SuggestionApplied";
const movedSeconds = 0.5;
const gatewayAwaySeconds = 5;

export function suggestions(ports: OperatorPorts): Controller {
  const anchors = new Anchors(ports.branches);
  return defineController({
    name: "suggestions",
    for: ReviewComment,
    concurrency: 2,
    reads: [Repository, PullRequest, User, BranchProtection],
    watches: [
      watch(ReviewComment, ({ metadata, spec, status }) =>
        status?.appliedCommit
          ? (spec.applyTogether ?? []).map((name) => ({ namespace: metadata.namespace ?? "", name }))
          : [],
      ),
    ],
    async reconcile(comment, context) {
      if (comment.status?.appliedCommit) return done();
      const applied = appliedWith(comment, context);
      if (applied) return applied;
      if (comment.spec.applySuggestion !== true || isDecided(comment)) return done();
      try {
        return await apply(comment, { context, ports, anchors });
      } catch (error) {
        if (error instanceof NotApplicableError) return refuse(error.reason, error.message);
        if (error instanceof RepositoryMissingError) return refuse("HeadMissing", error.message);
        if (!(error instanceof GatewayUnavailableError)) throw error;
        throw new WaitError(gatewayAwaySeconds, error.message, {
          cause: error,
          conditions: [isFalse(condition, "InProgress", `${error.message}; trying again`)],
        });
      }
    },
  });
}

/** What another comment that named this one did. */
function appliedWith({ metadata, spec }: Comment, { lister }: ReconcileContext): Result | undefined {
  const lead = lister(ReviewComment)
    .byIndex(indexes.pullRequest, `${metadata.namespace}/${spec.pullRequest}`)
    .find((other) => other.status?.appliedCommit && other.spec.applyTogether?.includes(metadata.name ?? ""));
  const commit = lead?.status?.appliedCommit;
  return commit === undefined ? undefined : appliedBy(commit);
}

function appliedBy(commit: string): Result {
  return done({ status: { appliedCommit: commit }, conditions: [isTrue(condition, "Applied", commit)] });
}

function refuse(reason: NotApplicableReason, message: string): Result {
  return done({ conditions: [isFalse(condition, reason, message)] });
}

function isDecided(comment: Comment): boolean {
  const found = findCondition(comment, condition);
  return found?.observedGeneration === comment.metadata.generation && found?.reason !== "InProgress";
}

interface Tools {
  context: ReconcileContext;
  ports: OperatorPorts;
  anchors: Anchors;
}

async function apply(lead: Comment, tools: Tools): Promise<Result> {
  const { context, ports } = tools;
  const pullRequest = context.lister(PullRequest).get({
    namespace: lead.metadata.namespace ?? "",
    name: lead.spec.pullRequest,
  });
  const phase = pullRequest?.status?.phase;
  if (!pullRequest || (phase !== "Open" && phase !== "Draft"))
    throw new NotApplicableError(
      "NotOpen",
      `the pull request is ${phase ?? "gone"}: only an open one takes suggestions`,
    );
  const located = locate(pullRequest, repositoryLookup(context));
  if (!isLocated(located)) throw new NotApplicableError("HeadMissing", located.message);
  const comments = membersOf(lead, context);
  await requireRights(lead, located, context);
  const head = await ports.branches.resolve(located.head);
  const base = await ports.branches.resolve(located.base);
  if (!head.sha) throw new NotApplicableError("HeadMissing", `branch "${pullRequest.spec.head}" does not exist`);

  const author = personOfUser(lead.status?.appliedBy?.user ?? "unknown", lead.metadata.namespace, context);
  await using scratch = await scratchRepository([...new Set([base.gitDir, head.gitDir])], { signal: context.signal });
  const subject = subjectOf(lead, context);
  const found = { headSha: head.sha, baseSha: base.sha, committer: ports.committer };
  const already = await findApplied(subject, found, scratch.read);
  if (already) return appliedBy(already);

  const files = await editFiles(comments, { headSha: head.sha, located }, tools);
  const at = secondsOf(context.now());
  const commitId = await commitFiles(
    {
      parent: head.sha,
      files,
      message: renderMessage(
        comments.map((comment) => subjectOf(comment, context)),
        author,
      ),
      author: signatureOf(author, at),
      committer: signatureOf(ports.committer, at),
    },
    scratch.read,
  );
  const update = { ref: located.head.ref, newId: commitId, expectedId: head.sha };
  const outcome = await ports.gateway.push(located.head.repository, update, { from: scratch.read });
  await ports.checkpoint?.("suggestion-pushed");
  if (outcome.result === "moved")
    throw new WaitError(movedSeconds, "the head was pushed to meanwhile", {
      conditions: [isFalse(condition, "InProgress", "the head was pushed to meanwhile; trying again")],
    });
  if (outcome.result === "refused") throw new NotApplicableError("PushRefused", outcome.reason);
  return appliedBy(commitId);
}

function membersOf(lead: Comment, { lister }: ReconcileContext): Comment[] {
  const others = [...new Set(lead.spec.applyTogether ?? [])].filter((name) => name !== lead.metadata.name);
  const members = others.map((name) => {
    const found = lister(ReviewComment).get({ namespace: lead.metadata.namespace ?? "", name });
    if (!found || found.spec.pullRequest !== lead.spec.pullRequest)
      throw new NotApplicableError("NotASuggestion", `"${name}" is no comment of ${lead.spec.pullRequest}`);
    return found;
  });
  const comments = [lead, ...members];
  for (const { metadata, spec, status } of comments) {
    const what = spec.side === "old" ? "is about lines that are gone" : !spec.suggestion && "suggests nothing";
    if (what) throw new NotApplicableError("NotASuggestion", `comment "${metadata.name}" ${what}`);
    if (status?.appliedCommit)
      throw new NotApplicableError("NoChange", `"${metadata.name}" is applied already, by ${status.appliedCommit}`);
  }
  return comments;
}

async function requireRights(
  { status }: Comment,
  { head }: LocatedPullRequest,
  { client, lister, signal }: ReconcileContext,
): Promise<void> {
  const { namespace, name } = head.repository;
  const asker = status?.appliedBy;
  if (!asker) throw new NotApplicableError("Forbidden", "nobody is known to have asked: set applySuggestion again");
  const answer = await accessReview(
    client,
    { user: asker.user, groups: [...(asker.groups ?? []), "system:authenticated"] },
    { verb: "update", group: "krate.a5c.ai", resource: "repositories", subresource: "content", namespace, name },
    { signal },
  );
  if (!answer.allowed)
    throw new NotApplicableError(
      "Forbidden",
      `${asker.user} may not push to "${namespace}/${name}": ask somebody who may`,
    );
  const repository = lister(Repository).get(head.repository);
  const protection = repository && effectiveProtection(lister(BranchProtection).list(namespace), repository, head.ref);
  if (protection)
    throw new NotApplicableError(
      "BranchProtected",
      `the head branch is protected by ${protection.sources.map((source) => `BranchProtection/${source}`).join(", ")}`,
    );
}

function subjectOf({ metadata, spec, status }: Comment, context: ReconcileContext): AppliedComment {
  const { namespace = "", name = "", uid = "" } = metadata;
  const suggester = personOfUser(status?.author?.user ?? "unknown", namespace, context);
  return { namespace, name, uid, path: spec.path, suggester };
}
