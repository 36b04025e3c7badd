/** Reviews, issues, comments, pipelines and check runs → events. Level-triggered like pull requests. Pure. */
import type { CheckRun, Issue, IssueComment, KubernetesObject, ObjectOf, Pipeline, Review } from "@krate/kinds";
import type { ForgeEvent } from "./event.ts";

interface Happened {
  type: string;
  id: string;
  at: string;
}

function eventOf(
  object: KubernetesObject & { spec: { organizationRef: string } },
  { type, id, at }: Happened,
  facts: { repository?: string; body: Record<string, unknown> },
): ForgeEvent {
  const { metadata = {}, kind = "", spec } = object;
  return {
    namespace: metadata.namespace ?? "",
    organization: spec.organizationRef,
    type,
    id: `${metadata.uid}-${id}`,
    at,
    ...(facts.repository !== undefined && { repository: facts.repository }),
    ...(metadata.labels && { labels: metadata.labels }),
    source: { kind, name: metadata.name ?? "", ...(metadata.uid && { uid: metadata.uid }) },
    body: { action: type.split(".")[1], ...facts.body },
  };
}

const repositoryLabel = "krate.a5c.ai/repository";

export function reviewEvents(review: ObjectOf<typeof Review>): ForgeEvent[] {
  const { metadata, spec, status = {} } = review;
  const repository = metadata.labels?.[repositoryLabel];
  const body = {
    review: {
      name: metadata.name,
      pullRequest: spec.pullRequest,
      decision: spec.decision,
      body: spec.body,
      commitSha: spec.commitSha,
      author: status.author?.user,
    },
  };
  const at = status.submittedAt ?? metadata.creationTimestamp;
  if (!at) return [];
  return [
    eventOf(review, { type: "review.submitted", id: "submitted", at }, { ...(repository && { repository }), body }),
  ];
}

export function issueEvents(issue: ObjectOf<typeof Issue>): ForgeEvent[] {
  const { metadata, spec, status = {} } = issue;
  const body = {
    issue: {
      name: metadata.name,
      number: status.number,
      title: spec.title,
      body: spec.body,
      author: status.author?.user,
      phase: status.phase,
      labels: spec.labels ?? [],
    },
  };
  const facts = { ...(spec.repository && { repository: spec.repository }), body };
  const events: ForgeEvent[] = [];
  if (metadata.creationTimestamp)
    events.push(eventOf(issue, { type: "issue.opened", id: "opened", at: metadata.creationTimestamp }, facts));
  if (status.phase === "Closed" && status.closedAt)
    events.push(eventOf(issue, { type: "issue.closed", id: `closed-${status.closedAt}`, at: status.closedAt }, facts));
  return events;
}

export function commentEvents(comment: ObjectOf<typeof IssueComment>): ForgeEvent[] {
  const { metadata, spec, status } = comment;
  const repository = metadata.labels?.[repositoryLabel];
  if (!metadata.creationTimestamp) return [];
  const body = {
    comment: { name: metadata.name, target: spec.target, body: spec.body, author: status?.author?.user },
  };
  const happened = { type: "comment.created", id: "created", at: metadata.creationTimestamp };
  return [eventOf(comment, happened, { ...(repository && { repository }), body })];
}

export function pipelineEvents(pipeline: ObjectOf<typeof Pipeline>): ForgeEvent[] {
  const { metadata, spec, status = {} } = pipeline;
  if (!status.completedAt) return [];
  const body = {
    pipeline: {
      name: metadata.name,
      workflow: spec.workflow,
      ref: spec.ref,
      sha: spec.sha,
      phase: status.phase,
      conclusion: status.conclusion,
      durationSeconds: status.durationSeconds,
    },
  };
  const happened = { type: "pipeline.completed", id: "completed", at: status.completedAt };
  return [{ ...eventOf(pipeline, happened, { repository: spec.repository, body }), ref: spec.ref }];
}

export function checkRunEvents(check: ObjectOf<typeof CheckRun>): ForgeEvent[] {
  const { metadata, spec, status = {} } = check;
  const at = status.completedAt ?? metadata.creationTimestamp;
  if (status.phase !== "Completed" || !at) return [];
  const body = {
    checkRun: { name: spec.name, sha: spec.sha, conclusion: status.conclusion, detailsUrl: spec.detailsUrl },
  };
  const happened = { type: "check_run.completed", id: "completed", at };
  return [eventOf(check, happened, { repository: spec.repository, body })];
}
