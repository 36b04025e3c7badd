import type { IssueComment, ObjectOf, PullRequest, Review, ReviewComment } from "@krate/kinds";
import { type Thread, threadsOf } from "../../../../../../../diff/threads.ts";

/** One thing that happened to a pull request, for people to read. */
export type TimelineEntry = { key: string; at: string; author: string } & (
  | { type: "opened"; body: string }
  | { type: "comment"; body: string }
  | {
      type: "review";
      decision: "approve" | "request-changes" | "comment";
      stale: boolean;
      dismissed: boolean;
      body: string;
    }
  | { type: "thread"; thread: Thread }
  | { type: "merged"; sha?: string }
  | { type: "closed" }
);

export interface TimelineObjects {
  pull: ObjectOf<typeof PullRequest>;
  reviews: ObjectOf<typeof Review>[];
  lineComments: ObjectOf<typeof ReviewComment>[];
  comments: ObjectOf<typeof IssueComment>[];
}

/** Everything said and done, oldest first; the description opens it, merging or closing ends it. */
export function timelineOf({ pull, reviews, lineComments, comments }: TimelineObjects): TimelineEntry[] {
  const { metadata, spec, status } = pull;
  const created = (object: { metadata: { creationTimestamp?: string } }) => object.metadata.creationTimestamp ?? "";
  const middle: TimelineEntry[] = [
    ...comments
      .filter(({ spec }) => spec.target.kind === "PullRequest")
      .map(
        (object): TimelineEntry => ({
          key: object.metadata.uid ?? "",
          at: created(object),
          author: object.status?.author?.user ?? "unknown",
          type: "comment",
          body: object.spec.body,
        }),
      ),
    ...reviews.map(
      (object): TimelineEntry => ({
        key: object.metadata.uid ?? "",
        at: object.status?.submittedAt ?? created(object),
        author: object.status?.author?.user ?? "unknown",
        type: "review",
        decision: object.spec.decision,
        stale: object.status?.phase === "Stale",
        dismissed: object.spec.dismissed ?? false,
        body: object.spec.body ?? "",
      }),
    ),
    ...threadsOf(lineComments).map(
      (thread): TimelineEntry => ({
        key: thread.name,
        at: thread.comments[0]?.createdAt ?? "",
        author: thread.comments[0]?.author ?? "unknown",
        type: "thread",
        thread,
      }),
    ),
  ];
  const opened: TimelineEntry = {
    key: "opened",
    at: created({ metadata }),
    author: status?.author?.user ?? "unknown",
    type: "opened",
    body: spec.body ?? "",
  };
  const end: TimelineEntry[] = [];
  if (status?.mergedAt)
    end.push({
      key: "merged",
      at: status.mergedAt,
      author: status.mergedBy ?? "unknown",
      type: "merged",
      sha: status.mergeCommitSha,
    });
  else if (status?.closedAt)
    end.push({ key: "closed", at: status.closedAt, author: status.closedBy ?? "unknown", type: "closed" });
  return [opened, ...middle.sort((a, b) => a.at.localeCompare(b.at)), ...end];
}
