/** PullRequest → what has happened to it so far. Level-triggered: everything that holds, each with its own identity. Pure. */
import type { ObjectOf, PullRequest } from "@krate/kinds";
import type { ForgeEvent } from "./event.ts";

type Pull = ObjectOf<typeof PullRequest>;

export function pullRequestEvents(pull: Pull): ForgeEvent[] {
  const { metadata, spec, status = {} } = pull;
  const event = (action: string, id: string, at: string, sender: string | undefined): ForgeEvent => ({
    namespace: metadata.namespace ?? "",
    organization: spec.organizationRef,
    type: `pull_request.${action}`,
    id: `${metadata.uid}-${id}`,
    at,
    repository: spec.repository,
    ref: `refs/heads/${spec.base ?? ""}`,
    ...(metadata.labels && { labels: metadata.labels }),
    source: { kind: "PullRequest", name: metadata.name ?? "", ...(metadata.uid && { uid: metadata.uid }) },
    body: pullRequestBody(pull, action, sender),
  });
  const events: ForgeEvent[] = [];
  if (metadata.creationTimestamp)
    events.push(event("opened", "opened", metadata.creationTimestamp, status.author?.user));
  if (status.phase === "Merged" && status.mergedAt)
    events.push(event("merged", "merged", status.mergedAt, status.mergedBy));
  if (status.phase === "Closed" && status.closedAt)
    events.push(event("closed", `closed-${status.closedAt}`, status.closedAt, status.closedBy));
  return events;
}

export function pullRequestBody({ metadata, spec, status = {} }: Pull, action: string, sender: string | undefined) {
  return {
    action,
    pullRequest: {
      name: metadata.name,
      number: status.number,
      title: spec.title,
      body: spec.body,
      head: { ref: spec.head, sha: status.headSha, repository: spec.headRepository?.name ?? spec.repository },
      base: { ref: spec.base, sha: status.baseSha, repository: spec.repository },
      author: status.author?.user,
      phase: status.phase,
      draft: spec.draft ?? false,
      merged: status.phase === "Merged",
      mergeCommitSha: status.mergeCommitSha,
      labels: spec.labels ?? [],
    },
    sender: { name: sender },
  };
}
