/** Threads of comments on lines, as the diff shows them. */
export interface LineComment {
  name: string;
  author: string;
  createdAt: string;
  body: string;
  suggestion?: string;
}

export interface Thread {
  name: string;
  path: string;
  side: "old" | "new";
  /** Absent: about the whole file. */
  line?: number;
  resolved: boolean;
  outdated: boolean;
  comments: LineComment[];
}

/** The parts of a ReviewComment that make a thread. */
export interface CommentObject {
  metadata: { name?: string; creationTimestamp?: string };
  spec: {
    path: string;
    side?: "old" | "new";
    line?: number;
    body: string;
    replyTo?: string;
    suggestion?: { text: string };
    resolved?: boolean;
  };
  status?: { author?: { user: string }; outdated?: boolean; createdAt?: string };
}

/** Puts answers under the comment they answer, oldest first; an answer to what is gone stands for itself. */
export function threadsOf(objects: readonly CommentObject[]): Thread[] {
  // Times are of whole seconds: an answer of the same second must not come before what it answers.
  const ordered = [...objects].sort(
    (a, b) => Number(isAnswer(a)) - Number(isAnswer(b)) || timeOf(a).localeCompare(timeOf(b)),
  );
  const threads = new Map<string, Thread>();
  for (const object of ordered) {
    const { spec, status, metadata } = object;
    const thread = spec.replyTo === undefined ? undefined : threads.get(spec.replyTo);
    if (thread) {
      thread.comments.push(commentOf(object));
      continue;
    }
    const name = metadata.name ?? "";
    threads.set(name, {
      name,
      path: spec.path,
      side: spec.side ?? "new",
      line: spec.line,
      resolved: spec.resolved ?? false,
      outdated: status?.outdated ?? false,
      comments: [commentOf(object)],
    });
  }
  return [...threads.values()];
}

const isAnswer = ({ spec }: CommentObject) => spec.replyTo !== undefined;
const timeOf = ({ metadata, status }: CommentObject) => status?.createdAt ?? metadata.creationTimestamp ?? "";

function commentOf(object: CommentObject): LineComment {
  const { metadata, spec, status } = object;
  return {
    name: metadata.name ?? "",
    author: status?.author?.user ?? "unknown",
    createdAt: timeOf(object),
    body: spec.body,
    suggestion: spec.suggestion?.text,
  };
}

/** Where a thread stands: the key of its line. */
export const threadKey = (path: string, side: "old" | "new", line: number) => `${side}:${line}:${path}`;
