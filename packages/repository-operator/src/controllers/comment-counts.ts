/** Counts comments, on pull requests and issues whatever their phase (PR-03). */
import { type Controller, defineController, done, type MapContext, watch } from "@krate/controller";
import { Issue, IssueComment, PullRequest, ReviewComment } from "@krate/kinds";
import { indexes } from "./indexes.ts";

const targetOf = (kind: "Issue" | "PullRequest") =>
  watch(IssueComment, ({ metadata, spec }) =>
    spec.target.kind === kind ? [{ namespace: metadata.namespace ?? "", name: spec.target.name }] : [],
  );

export function pullRequestComments(): Controller {
  return defineController({
    name: "pull-request-comments",
    for: PullRequest,
    watches: [
      targetOf("PullRequest"),
      watch(ReviewComment, ({ metadata, spec }) => [{ namespace: metadata.namespace ?? "", name: spec.pullRequest }]),
    ],
    predicate: (_pullRequest, old) => old === undefined,
    async reconcile({ metadata, status }, context) {
      const key = `${metadata.namespace}/${metadata.name}`;
      const onLines = context.lister(ReviewComment).byIndex(indexes.pullRequest, key);
      const threads = onLines.filter(({ spec }) => spec.replyTo === undefined && spec.resolved !== true);
      const comments = countOf("PullRequest", key, context) + onLines.length;
      // Nothing is written about what nobody has commented yet: it would be a second write for every new object.
      if (comments === 0 && status?.comments === undefined) return done();
      return done({ status: { comments, unresolvedThreads: threads.length } });
    },
  });
}

export function issueComments(): Controller {
  return defineController({
    name: "issue-comments",
    for: Issue,
    watches: [targetOf("Issue")],
    predicate: (_issue, old) => old === undefined,
    async reconcile({ metadata, status }, context) {
      const comments = countOf("Issue", `${metadata.namespace}/${metadata.name}`, context);
      return done(comments === 0 && status?.comments === undefined ? {} : { status: { comments } });
    },
  });
}

function countOf(kind: "Issue" | "PullRequest", key: string, { lister }: MapContext): number {
  return lister(IssueComment).byIndex(indexes.target, `${kind}/${key}`).length;
}
