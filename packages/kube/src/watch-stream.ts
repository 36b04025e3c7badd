/**
 * Reads a watch: one JSON object per line.
 * Source: Kubernetes API concepts, "Efficient detection of changes"; meta/v1 WatchEvent.
 */
import type { Readable } from "node:stream";
import { ApiError, type Status } from "@krate/kinds";
import type { WatchEvent } from "./types.ts";

const newline = 0x0a;

/** Splits chunks at line ends; a line that ends with the stream without one is not a whole line and is dropped. */
export async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = [];
  for await (const chunk of chunks) {
    const complete: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      const tail = chunk.subarray(from, at);
      complete.push(rest.length === 0 ? tail : Buffer.concat([...rest, tail]));
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    if (complete.length > 0) yield complete;
  }
}

/** @throws ApiError for an ERROR line; `Timeout` after `silenceSeconds` without a byte */
export async function* watchEvents<T>(
  body: Readable,
  options: { silenceSeconds?: number; signal?: AbortSignal },
): AsyncGenerator<WatchEvent<T>> {
  const silence = silenceGuard(body, options.silenceSeconds);
  try {
    for await (const batch of lines(silence.watched(body))) {
      for (const line of batch) {
        if (line.length === 0) continue;
        const event = JSON.parse(line.toString("utf8")) as { type: string; object: unknown };
        if (event.type === "ERROR") {
          const status = event.object as Partial<Status>;
          throw ApiError.fromStatus(status, status.code ?? 500);
        }
        yield event as WatchEvent<T>;
      }
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (error instanceof ApiError) throw error;
    throw new ApiError("ServiceUnavailable", `the watch was cut: ${(error as Error).message}`, { cause: error });
  } finally {
    silence.stop();
    body.destroy();
  }
  options.signal?.throwIfAborted();
}

function silenceGuard(body: Readable, seconds: number | undefined) {
  const onSilence = () => body.destroy(new ApiError("Timeout", `the watch was silent for ${seconds} s`));
  const timer = seconds === undefined ? undefined : setTimeout(onSilence, seconds * 1000);
  return {
    async *watched(chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        timer?.refresh();
        yield chunk;
      }
    },
    stop: () => clearTimeout(timer),
  };
}
