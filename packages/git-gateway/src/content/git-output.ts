import type { Readable } from "node:stream";
import type { GitStream } from "@krate/git";

/**
 * What `read` makes of a running git's output. Git ends when whoever reads leaves.
 * @throws {GitError} at the end, when git did not end well
 */
export async function* outputOf<T>(
  stream: GitStream,
  read: (output: Readable) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  // Thrown where it is awaited; whoever leaves early wants to hear nothing.
  stream.finished.catch(() => undefined);
  try {
    yield* read(stream.stdout);
    await stream.finished;
  } finally {
    stream.kill();
  }
}
