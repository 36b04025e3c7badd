/** The log of GitEvents → Pipelines of `push`. */
import { defineLogConsumer, type LogConsumer } from "@krate/controller";
import { GitEvent, isReason, type ObjectOf, Pipeline, Repository } from "@krate/kinds";
import type { KubeClient } from "@krate/kube";
import type { RepositoryContent } from "../git/content.ts";
import { type NewPipeline, type PipelineCause, renderPipelines } from "../pipeline/render-pipeline.ts";

type RepositoryObject = ObjectOf<typeof Repository>;

/** GitHub's folder is read as well (design D9). */
export function workflowFolders(repository: RepositoryObject | undefined): string[] {
  const own = repository?.spec.ci?.workflowPath ?? ".krate/workflows";
  return own === ".github/workflows" ? [own] : [own, ".github/workflows"];
}

/** Creating a Pipeline that exists is success: its name is made from its cause. */
export async function createPipelines(
  client: KubeClient,
  pipelines: readonly NewPipeline[],
  signal: AbortSignal,
): Promise<void> {
  for (const pipeline of pipelines) {
    try {
      await client.create(Pipeline, pipeline, { signal });
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
    }
  }
}

function causeOf({ metadata, spec }: ObjectOf<typeof GitEvent>): PipelineCause | undefined {
  if (spec.decision === "Rejected" || spec.action === "delete" || /^0+$/.test(spec.newSha)) return undefined;
  return {
    organization: spec.organizationRef,
    namespace: metadata.namespace ?? "",
    repository: spec.repository,
    ref: spec.ref,
    sha: spec.newSha,
    key: metadata.uid ?? metadata.name ?? "",
    // The commit a merge queue wants to land is checked by what checks pull requests.
    event: { name: spec.ref.startsWith("refs/queue/") ? "merge_group" : "push", ref: spec.ref },
    actor: spec.actor.user,
    ...(metadata.name && { gitEvent: metadata.name }),
  };
}

export function pushEvents(content: RepositoryContent): LogConsumer {
  return defineLogConsumer({
    name: "runner-push-events",
    kind: GitEvent,
    reads: [Repository],
    partition: ({ metadata, spec }) => `${metadata.namespace}/${spec.repository}`,
    async handle(event, { client, lister, signal }) {
      const cause = causeOf(event);
      if (!cause) return;
      const { namespace, repository, sha } = cause;
      const found =
        lister(Repository).get({ namespace, name: repository }) ??
        (await client.find(Repository, { namespace, name: repository }));
      if (!found) return;
      const files = await content.workflowFiles({ namespace, repository, sha, signal }, workflowFolders(found));
      await createPipelines(client, renderPipelines(cause, files), signal);
    },
  });
}
