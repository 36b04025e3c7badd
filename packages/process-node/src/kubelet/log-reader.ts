/** Reads a log file that may still grow. */
import type { FileHandle } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
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

/**
 * The bytes a client asked for. With `follow` it goes on until `hasEnded()` and everything written before that was read.
 */
export async function* readLog(
  file: FileHandle,
  { follow, tailLines, limitBytes }: LogOptions,
  hasEnded: () => boolean,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { size } = await file.stat();
  let position = tailLines === undefined ? 0 : await startOfTail(file, size, tailLines);
  let left = limitBytes ?? Number.POSITIVE_INFINITY;
  let ended = !follow || hasEnded();
  while (left > 0 && !signal.aborted) {
    const buffer = Buffer.alloc(Math.min(chunkBytes, left));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead > 0) {
      position += bytesRead;
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    } else if (ended) return;
    else {
      await sleep(pollMilliseconds, undefined, { signal }).catch(() => undefined);
      ended = hasEnded();
    }
  }
}
