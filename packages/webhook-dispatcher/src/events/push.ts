/** GitEvent → `push`, and `pull_request.synchronize` for open pull requests whose head it moved. Pure. */
import type { GitEvent, ObjectOf, PullRequest } from "@krate/kinds";
import type { ForgeEvent } from "./event.ts";
import { pullRequestBody } from "./pull-request.ts";

type Event = ObjectOf<typeof GitEvent>;
type Pull = ObjectOf<typeof PullRequest>;

const zero = /^0+$/;

/** Refs the server moves: copies of what was pushed elsewhere, and candidates of merge queues. */
const serverRefs = /^refs\/(pull|queue)\//;

/** Undefined for a refused update, and for refs that only the server moves: nothing was pushed. */
export function pushEvent({ metadata, spec }: Event): ForgeEvent | undefined {
  if (spec.decision === "Rejected" || serverRefs.test(spec.ref)) return undefined;
  return {
    namespace: metadata.namespace ?? "",
    organization: spec.organizationRef,
    type: "push",
    id: metadata.uid ?? metadata.name ?? "",
    at: spec.receivedAt,
    repository: spec.repository,
    ref: spec.ref,
    ...(metadata.labels && { labels: metadata.labels }),
    source: { kind: "GitEvent", name: metadata.name ?? "", ...(metadata.uid && { uid: metadata.uid }) },
    body: {
      ref: spec.ref,
      before: spec.oldSha,
      after: spec.newSha,
      created: spec.action === "create",
      deleted: spec.action === "delete",
      forced: spec.action === "force-update",
      commits: spec.commitSummaries ?? [],
      totalCommits: spec.commits ?? 0,
      pusher: { name: spec.actor.user },
      ...(spec.pullRequest && { pullRequest: { name: spec.pullRequest } }),
      ...(spec.correlationId && { correlationId: spec.correlationId }),
    },
  };
}

/** The pull request must be older than the push: what it was opened with is `opened`. */
export function synchronizeEvents(event: Event, pullRequests: readonly Pull[]): ForgeEvent[] {
  const { metadata, spec } = event;
  const branch = /^refs\/heads\/(.+)$/.exec(spec.ref)?.[1];
  if (spec.decision === "Rejected" || branch === undefined || zero.test(spec.newSha) || zero.test(spec.oldSha))
    return [];
  const affected = pullRequests.filter((pull) => {
    const phase = pull.status?.phase ?? "Open";
    const headRepository = pull.spec.headRepository?.name ?? pull.spec.repository;
    const isOlder = Date.parse(pull.metadata.creationTimestamp ?? "") <= Date.parse(spec.receivedAt);
    return (
      pull.spec.head === branch &&
      headRepository === spec.repository &&
      isOlder &&
      phase !== "Merged" &&
      phase !== "Closed"
    );
  });
  return affected.map((pull) => ({
    namespace: pull.metadata.namespace ?? "",
    organization: pull.spec.organizationRef,
    type: "pull_request.synchronize",
    id: `${pull.metadata.uid}-${metadata.uid}`,
    at: spec.receivedAt,
    repository: pull.spec.repository,
    ref: `refs/heads/${pull.spec.base ?? ""}`,
    ...(pull.metadata.labels && { labels: pull.metadata.labels }),
    source: {
      kind: "PullRequest",
      name: pull.metadata.name ?? "",
      ...(pull.metadata.uid && { uid: pull.metadata.uid }),
    },
    body: { ...pullRequestBody(pull, "synchronize", spec.actor.user), before: spec.oldSha, after: spec.newSha },
  }));
}
