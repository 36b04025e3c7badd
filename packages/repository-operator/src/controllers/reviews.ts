/** Marks approvals that do not count any more because the head moved (PR-15, kinds.md §6.3). */
import { type Controller, defineController, done, watch } from "@krate/controller";
import { BranchProtection, PullRequest, Repository, Review } from "@krate/kinds";
import { reviewPhase } from "../pull-request/reviews.ts";
import { indexes, protectionOf } from "./indexes.ts";

export function reviews(): Controller {
  return defineController({
    name: "reviews",
    for: Review,
    reads: [Repository],
    watches: [
      watch(PullRequest, ({ metadata }, { lister }) =>
        keysOf(lister(Review).byIndex(indexes.pullRequest, `${metadata.namespace}/${metadata.name}`)),
      ),
      watch(BranchProtection, ({ metadata }, { lister }) => keysOf(lister(Review).list(metadata.namespace))),
    ],
    async reconcile(review, context) {
      const namespace = review.metadata.namespace ?? "";
      const pullRequest = context.lister(PullRequest).get({ namespace, name: review.spec.pullRequest });
      const phase = pullRequest && reviewPhase(review, pullRequest, protectionOf(pullRequest, context));
      return done(phase ? { status: { phase } } : {});
    },
  });
}

function keysOf(found: readonly { metadata: { namespace?: string; name?: string } }[]) {
  return found.map(({ metadata }) => ({ namespace: metadata.namespace ?? "", name: metadata.name ?? "" }));
}
