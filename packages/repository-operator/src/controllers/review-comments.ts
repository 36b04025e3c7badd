/** Tells where the lines of comments are now, and which have changed since (PR-03, kinds.md §6.4). */
import { type Controller, defineController, done, type ReconcileContext, watch } from "@krate/controller";
import { RepositoryMissingError } from "@krate/git";
import { type ObjectOf, PullRequest, Repository, ReviewComment } from "@krate/kinds";
import type { OperatorPorts } from "../ports.ts";
import { type Anchor, Anchors, anchorOf, repositoryWith } from "../pull-request/anchors.ts";
import { isLocated, locate } from "../pull-request/locate.ts";
import { indexes, repositoryLookup } from "./indexes.ts";

type ReviewCommentObject = ObjectOf<typeof ReviewComment>;

export function reviewComments(ports: OperatorPorts): Controller {
  const anchors = new Anchors(ports.branches);
  return defineController({
    name: "review-comments",
    for: ReviewComment,
    reads: [Repository],
    watches: [
      watch(PullRequest, ({ metadata }, { lister }) =>
        lister(ReviewComment)
          .byIndex(indexes.pullRequest, `${metadata.namespace}/${metadata.name}`)
          .map((comment) => ({ namespace: comment.metadata.namespace ?? "", name: comment.metadata.name ?? "" })),
      ),
    ],
    async reconcile(comment, context) {
      try {
        const place = await placeOf(comment, context, ports);
        if (!place) return done();
        const anchor = anchorOf(comment);
        const found = await anchors.find(anchor, place.commitSha, place.gitDir);
        return done({ status: { outdated: found === undefined, position: found && positionOf(found) } });
      } catch (error) {
        if (error instanceof RepositoryMissingError) return done();
        throw error;
      }
    },
  });
}

function positionOf({ commitSha, path, lines }: Anchor) {
  if (!lines) return { commitSha, path };
  return { commitSha, path, line: lines.last, ...(lines.first !== lines.last && { startLine: lines.first }) };
}

/** The commit to look in, and a repository that has it and the comment's own; undefined while there is none. */
async function placeOf(
  { metadata, spec }: ReviewCommentObject,
  { lister }: ReconcileContext,
  ports: OperatorPorts,
): Promise<{ commitSha: string; gitDir: string } | undefined> {
  const namespace = metadata.namespace ?? "";
  const pullRequest = lister(PullRequest).get({ namespace, name: spec.pullRequest });
  const located = pullRequest && locate(pullRequest, repositoryLookup({ lister }));
  // Lines of the old side are those the head left from: only another merge base moves them.
  const commitSha = spec.side === "old" ? pullRequest?.status?.mergeBaseSha : pullRequest?.status?.headSha;
  if (!commitSha || !located || !isLocated(located)) return undefined;
  const gitDir = await repositoryWith([spec.commitSha, commitSha], located, ports);
  return gitDir === undefined ? undefined : { commitSha, gitDir };
}
