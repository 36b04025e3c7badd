/** The head of an open pull request → Pipelines of `pull_request` (PR-14). Writes no status: others own it. */
import { type Controller, defineController, done } from "@krate/controller";
import { type ObjectOf, PullRequest, Repository } from "@krate/kinds";
import type { RepositoryContent } from "../git/content.ts";
import { type PipelineCause, renderPipelines } from "../pipeline/render-pipeline.ts";
import { createPipelines, workflowFolders } from "./push-events.ts";

type PullRequestObject = ObjectOf<typeof PullRequest>;

/** Undefined while nothing is to be built: closed, head unknown, or a fork, whose objects are not in this repository. */
function causeOf({ metadata, spec, status }: PullRequestObject): PipelineCause | undefined {
  const isOpen = status?.phase === "Open" || status?.phase === "Draft";
  if (!isOpen || !status?.headSha || spec.headRepository) return undefined;
  return {
    organization: spec.organizationRef,
    namespace: metadata.namespace ?? "",
    repository: spec.repository,
    ref: `refs/heads/${spec.head}`,
    sha: status.headSha,
    key: `${metadata.uid}@${status.headSha}`,
    event: { name: "pull_request", ref: `refs/heads/${spec.base ?? "main"}` },
    actor: status.author?.user ?? "",
    ...(metadata.name && { pullRequest: metadata.name }),
  };
}

export function pullRequests(content: RepositoryContent): Controller {
  /** Heads done since the start, by pull request: reading their files again would find the same names. */
  const handled = new Map<string, string>();
  return defineController({
    name: "runner-pull-requests",
    for: PullRequest,
    reads: [Repository],
    concurrency: 4,
    async reconcile(pullRequest, { client, lister, signal }) {
      const cause = causeOf(pullRequest);
      const key = `${pullRequest.metadata.namespace}/${pullRequest.metadata.name}`;
      if (!cause || handled.get(key) === cause.key) return done();
      const { namespace, repository, sha } = cause;
      const folders = workflowFolders(lister(Repository).get({ namespace, name: repository }));
      const files = await content.workflowFiles({ namespace, repository, sha, signal }, folders);
      await createPipelines(client, renderPipelines(cause, files), signal);
      handled.set(key, cause.key);
      return done();
    },
    forgotten: ({ namespace, name }) => void handled.delete(`${namespace}/${name}`),
  });
}
