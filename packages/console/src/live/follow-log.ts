/**
 * A job's log over server-sent events:
 *
 *   event: lines     id: <lines so far>   data: ["…", …]
 *   event: end                            the job is over and every line was sent
 *   event: problem   data: { reason, message }
 *
 * Coming back with the last id sends only what follows: the log is read anew, because Kubernetes has no offset in logs.
 */
import { ApiError, Job } from "@krate/kinds";
import { type KubeClient, pathOf } from "@krate/kube";

export interface FollowLogOptions {
  namespace: string;
  job: string;
  /** Lines the reader has already. */
  skip: number;
  signal: AbortSignal;
}

/** Longer lines are cut: no screen shows them and one of a gigabyte would fill memory. */
const maxLineLength = 32 * 1024;

export async function* followLog(
  client: KubeClient,
  { namespace, job, skip, signal }: FollowLogOptions,
): AsyncGenerator<{ event: string; id?: string; data?: unknown }> {
  try {
    const path = pathOf(Job, { namespace, name: job, subresource: "log" });
    const answer = await client.raw({
      path,
      query: { follow: true },
      stream: true,
      signal,
      headers: { accept: "text/plain, */*" },
    });
    let count = 0;
    for await (const lines of splitLines(answer.body as AsyncIterable<Buffer>)) {
      const fresh = lines.slice(Math.max(0, skip - count));
      count += lines.length;
      if (fresh.length > 0) yield { event: "lines", id: String(count), data: fresh };
    }
    if (!signal.aborted) yield { event: "end" };
  } catch (error) {
    if (signal.aborted) return;
    const { reason, message } =
      error instanceof ApiError ? error : new ApiError("InternalError", "the log cannot be read", { cause: error });
    yield { event: "problem", data: { reason, message } };
  }
}

/** Whole lines of a byte stream, chunk by chunk; the last one may have no line end. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = (lines.pop() ?? "").slice(0, maxLineLength);
    if (lines.length > 0) yield lines.map((line) => line.slice(0, maxLineLength).replace(/\r$/, ""));
  }
  rest += decoder.decode();
  if (rest !== "") yield [rest];
}
