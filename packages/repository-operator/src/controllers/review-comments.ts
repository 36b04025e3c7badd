/** Tells which comments are about lines that have changed since (PR-03, kinds.md §6.4). */
import { type Controller, defineController, done, watch } from "@krate/controller";
import { RepositoryMissingError } from "@krate/git";
import { type ObjectOf, PullRequest, Repository, ReviewComment } from "@krate/kinds";
import { Memo } from "../memo.ts";
import type { OperatorPorts } from "../ports.ts";
import { isLocated, locate } from "../pull-request/locate.ts";
import { type Hunk, readHunks, touches } from "../pull-request/outdated.ts";
import { indexes, repositoryLookup } from "./indexes.ts";

export function reviewComments(ports: OperatorPorts): Controller {
  const hunks = new Memo<Hunk[]>(1000);
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
      const namespace = comment.metadata.namespace ?? "";
      const pullRequest = context.lister(PullRequest).get({ namespace, name: comment.spec.pullRequest });
      const headSha = pullRequest?.status?.headSha;
      const located = pullRequest && locate(pullRequest, repositoryLookup(context));
      // Lines of the old side are the base's: the head does not change them.
      if (!headSha || !located || !isLocated(located) || comment.spec.side === "old") return done();
      const gitDir = ports.backend.gitDir(located.head.repository);
      try {
        return done({ status: { outdated: await isOutdated(comment, { headSha, gitDir }, { ports, hunks }) } });
      } catch (error) {
        if (error instanceof RepositoryMissingError) return done();
        throw error;
      }
    },
  });
}

async function isOutdated(
  { spec }: ObjectOf<typeof ReviewComment>,
  { headSha, gitDir }: { headSha: string; gitDir: string },
  { ports, hunks }: { ports: OperatorPorts; hunks: Memo<Hunk[]> },
): Promise<boolean> {
  const { commitSha, path, line, startLine } = spec;
  if (commitSha === headSha) return false;
  const [then, now] = await ports.branches.blobs(gitDir, path, [commitSha, headSha]);
  if (then !== undefined && then === now) return false;
  if (then === undefined || now === undefined) return true;
  if (line === undefined) return false;
  const key = [gitDir, commitSha, headSha, path].join("\0");
  const changes = await hunks.get(key, () => readHunks(path, commitSha, headSha, { gitDir }));
  return touches(changes, { first: startLine ?? line, last: line });
}
