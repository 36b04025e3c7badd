/**
 * Tells how pull requests stand, and merges them.
 *
 *   Draft, Open   status follows branches, reviews, checks, protections
 *   Merging       nothing moves but the merge: claimed, merged, or decided against (condition Merged=False, then spec.merged is reset)
 *   Merged, Closed   left alone
 *
 * `headSha` is what the merge gate judged. It is written only on exactly the version of the object it was computed for, so that it never
 * changes under a merge that was requested meanwhile.
 */
import {
  type Controller,
  defineController,
  done,
  type ReconcileContext,
  type ReconcileResult,
  watch,
} from "@krate/controller";
import { RepositoryMissingError } from "@krate/git";
import {
  BranchProtection,
  CheckRun,
  MergeQueue,
  type ObjectOf,
  Pipeline,
  PullRequest,
  Repository,
  Review,
  User,
} from "@krate/kinds";
import type { OperatorPorts } from "../ports.ts";
import { Analyses, type Analysis } from "../pull-request/analysis.ts";
import { summarizeChecks } from "../pull-request/checks.ts";
import { missingOwners } from "../pull-request/code-owners.ts";
import { isLocated, type LocatedPullRequest, locate } from "../pull-request/locate.ts";
import { readCodeOwners } from "../pull-request/read-code-owners.ts";
import { reviewsCondition, summarizeReviews } from "../pull-request/reviews.ts";
import {
  hasEnded,
  newestPipelines,
  type PullRequestObject,
  type PullRequestStatus,
  planStatus,
  planUnresolved,
  type Verdicts,
} from "../pull-request/status.ts";
import { indexes, protectionOf, repositoryLookup } from "./indexes.ts";
import { reconcileMerge } from "./merging.ts";
import { landedKeys, reconcileQueuedMerge } from "./queued-merges.ts";

/** A push was announced and its ref has not moved yet. */
const expectedPushSeconds = 0.05;
/** Looks again for what no event told. */
const resyncSeconds = 600;

export function pullRequests(ports: OperatorPorts): Controller {
  const analyses = new Analyses();
  return defineController({
    name: "pull-requests",
    for: PullRequest,
    concurrency: 4,
    timeoutSeconds: 300,
    resyncSeconds,
    triggers: [ports.pushes.pullRequests],
    reads: [Repository, User],
    watches: [
      watch(Review, ({ metadata, spec }) => [{ namespace: metadata.namespace ?? "", name: spec.pullRequest }]),
      watch(CheckRun, ({ metadata, spec }, { lister }) =>
        keysOf(lister(PullRequest).byIndex(indexes.head, `${metadata.namespace}/${spec.repository}/${spec.sha}`)),
      ),
      watch(Pipeline, ({ metadata, spec }, { lister }) =>
        keysOf(lister(PullRequest).byIndex(indexes.head, `${metadata.namespace}/${spec.repository}/${spec.sha}`)),
      ),
      watch(BranchProtection, ({ metadata }, { lister }) =>
        keysOf(lister(PullRequest).byIndex(indexes.open, `${metadata.namespace}`)),
      ),
      watch(MergeQueue, landedKeys),
      watch(Repository, ({ metadata, spec }, { lister }) => [
        ...keysOf(lister(PullRequest).byIndex(indexes.open, `${metadata.namespace}/${metadata.name}`)),
        ...keysOf(lister(PullRequest).byIndex(indexes.fork, `${spec.organizationRef}/${metadata.name}`)),
      ]),
    ],
    async reconcile(pullRequest, context) {
      if (hasEnded(pullRequest)) return done();
      const located = locate(pullRequest, repositoryLookup(context));
      if (pullRequest.spec.merged === true) {
        // The MergeQueue of one that is queued does the merging.
        const merge = pullRequest.spec.queued === true ? reconcileQueuedMerge : reconcileMerge;
        return merge(pullRequest, located, context, ports);
      }
      if (!isLocated(located)) return planUnresolved(pullRequest, located);
      try {
        return await observe(pullRequest, located, context, { ports, analyses });
      } catch (error) {
        if (!(error instanceof RepositoryMissingError)) throw error;
        return planUnresolved(pullRequest, { reason: "RepositoryMissing", message: error.message });
      }
    },
  });
}

async function observe(
  pullRequest: PullRequestObject,
  located: LocatedPullRequest,
  context: ReconcileContext,
  { ports, analyses }: { ports: OperatorPorts; analyses: Analyses },
): Promise<ReconcileResult<PullRequestStatus>> {
  const branches = {
    base: await ports.branches.resolve(located.base),
    head: await ports.branches.resolve(located.head),
  };
  const isBehindEvents = (["base", "head"] as const).some((end) =>
    ports.pushes.isExpectedToMove(located[end].repository, located[end].ref, branches[end].sha),
  );
  const again = isBehindEvents ? { requeueAfterSeconds: expectedPushSeconds } : {};
  const { head, base } = branches;
  if (!head.sha || !base.sha) {
    const missing = !head.sha ? located.head : located.base;
    const message = `branch "${missing.ref.replace(/^refs\/heads\//, "")}" of "${missing.repository.namespace}/${missing.repository.name}" does not exist`;
    return { ...planUnresolved(pullRequest, { reason: "BranchMissing", message }), ...again };
  }
  const commits = { headSha: head.sha, baseSha: base.sha, baseRef: located.base.ref };
  const analysis = await analyses.of([...new Set([base.gitDir, head.gitDir])], commits, context.signal);
  const current =
    pullRequest.status?.headSha === head.sha ? pullRequest : await context.claim(pullRequest, { headSha: head.sha });
  return {
    ...planStatus(current, analysis, await verdictsOf(current, analysis, { ...base, sha: base.sha }, context)),
    ...again,
  };
}

async function verdictsOf(
  pullRequest: PullRequestObject,
  analysis: Analysis,
  { gitDir, sha: baseSha }: { gitDir: string; sha: string },
  context: ReconcileContext,
): Promise<Verdicts> {
  const { metadata, spec, status } = pullRequest;
  const { headSha } = analysis;
  const { lister } = context;
  const namespace = metadata.namespace ?? "";
  const protection = protectionOf(pullRequest, context);
  const reviews = summarizeReviews(lister(Review).byIndex(indexes.pullRequest, `${namespace}/${metadata.name}`), {
    author: status?.author?.user,
    headSha,
    keepStale: protection?.dismissStaleApprovals === false,
  });
  const owners = protection?.requireCodeOwners
    ? missingOwners(
        analysis.files.flatMap(({ path, previousPath }) => (previousPath ? [path, previousPath] : [path])),
        await readCodeOwners(baseSha, { gitDir, signal: context.signal }),
        reviews.approvals,
        userOfMail(lister(User).list(namespace)),
      )
    : [];
  const head = `${namespace}/${spec.repository}/${headSha}`;
  const runs = lister(CheckRun).byIndex(indexes.commit, head);
  const { checks, condition } = summarizeChecks(runs, protection?.requiredChecks ?? []);
  return {
    reviews,
    reviewsCondition: reviewsCondition(reviews, protection, owners),
    checks,
    checksCondition: condition,
    pipelines: newestPipelines(pullRequest, lister(Pipeline).byIndex(indexes.commit, head)),
  };
}

function userOfMail(users: readonly ObjectOf<typeof User>[]) {
  const byMail = new Map(users.map(({ metadata, spec }) => [spec.email.toLowerCase(), spec.username ?? metadata.name]));
  return (mail: string) => byMail.get(mail.toLowerCase());
}

function keysOf(pullRequests: readonly PullRequestObject[]) {
  return pullRequests.map(({ metadata }) => ({ namespace: metadata.namespace ?? "", name: metadata.name ?? "" }));
}
