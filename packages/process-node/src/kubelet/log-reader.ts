/** Reads a log file that may still grow. */
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogTimes } from "../pods/log-times.ts";
import type { LogOptions } from "./log-options.ts";

const chunkBytes = 64 * 1024;
const pollMilliseconds = 100;
const newline = 0x0a;

/** Where the last `lines` lines begin; a last line without a line feed counts. */
export async function startOfTail(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines === 0) return size;
  let missing = lines;
  const buffer = Buffer.alloc(chunkBytes);
  for (let end = size; end > 0; end -= chunkBytes) {
    const start = Math.max(0, end - chunkBytes);
    const { bytesRead } = await file.read(buffer, 0, end - start, start);
    for (let at = bytesRead - 1; at >= 0; at--) {
      // The file's very last line feed ends a line and begins none.
      if (buffer[at] === newline && start + at !== size - 1 && --missing === 0) return start + at + 1;
    }
  }
  return 0;
}

export interface LogSource {
  file: FileHandle;
  times: Pick<LogTimes, "timeOf" | "offsetSince">;
  /** Nothing is written any more. */
  hasEnded(): boolean;
}

/** What a client asked for. With `follow` it goes on until the source has ended and everything written before was read. */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { size } = await source.file.stat();
  const tail = options.tailLines === undefined ? 0 : await startOfTail(source.file, size, options.tailLines);
  const since = options.since === undefined ? 0 : (source.times.offsetSince(options.since) ?? size);
  const start = Math.max(tail, since);
  const chunks = readFrom(source, start, options.follow, signal);
  const lines = options.timestamps ? stamped(chunks, start, source.times) : chunks;
  yield* options.limitBytes === undefined ? lines : limited(lines, options.limitBytes);
}

async function* readFrom(
  { file, hasEnded }: LogSource,
  start: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  let position = start;
  let ended = !follow || hasEnded();
  while (!signal.aborted) {
    const buffer = Buffer.alloc(chunkBytes);
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, position);
    position += bytesRead;
    if (bytesRead > 0) yield buffer.subarray(0, bytesRead);
    else if (ended) return;
    else {
      await sleep(pollMilliseconds, undefined, { signal }).catch(() => undefined);
      ended = hasEnded();
    }
  }
}

/** Puts the time in front of each line, as kubelet writes it. */
async function* stamped(
  chunks: AsyncIterable<Buffer>,
  start: number,
  times: Pick<LogTimes, "timeOf">,
): AsyncGenerator<Buffer> {
  let offset = start;
  let atLineStart = true;
  for await (const chunk of chunks) {
    const parts: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(newline, at) + 1 || chunk.length;
      if (atLineStart) {
        const time = new Date(times.timeOf(offset + at) ?? Date.now()).toISOString();
        parts.push(Buffer.from(`${time.replace("Z", "000000Z")} `));
      }
      parts.push(chunk.subarray(at, end));
      atLineStart = chunk[end - 1] === newline;
      at = end;
    }
    offset += chunk.length;
    yield Buffer.concat(parts);
  }
}

async function* limited(chunks: AsyncIterable<Buffer>, limitBytes: number): AsyncGenerator<Buffer> {
  let left = limitBytes;
  if (left === 0) return;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}
