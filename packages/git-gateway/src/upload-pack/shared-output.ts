import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { GitStream } from "@krate/git";

export interface SharedOutputOptions {
  /** Folder for what does not fit into memory. */
  folder: string;
  /** Bytes kept in memory. */
  maxHeadBytes: number;
  /** Others are expected: what does not fit into memory goes to the file even while there is only one reader. */
  expectOthers: boolean;
  /** Called when nobody can join any more. */
  onClosed(): void;
}

/**
 * What one git process prints, for everybody who asked for the same. Its states:
 *
 *   head        everything so far is in memory; who joins reads from the start
 *   spool       memory is full and more than one reads, or will: the rest goes to a file that has no name, so that a crash leaves nothing
 *   exclusive   memory is full and only one reads: the rest goes straight to that one, at its pace, and nobody can join
 *
 * From head to one of the others, once. The process ends with its last reader.
 */
export class SharedOutput {
  readonly #stream: GitStream;
  readonly #options: SharedOutputOptions;
  readonly #source: AsyncIterator<Buffer>;
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #state: "head" | "spool" | "exclusive" = "head";
  #spool: FileHandle | undefined;
  #spoolBytes = 0;
  #ended = false;
  #error: Error | undefined;
  #readers = 0;
  #changed = Promise.withResolvers<void>();

  constructor(stream: GitStream, options: SharedOutputOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#source = stream.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    void this.#produce();
  }

  /** Whether a new reader would get all of it. */
  get joinable(): boolean {
    return this.#state !== "exclusive" && this.#error === undefined && !(this.#ended && this.#state === "spool");
  }

  /** Ended well and wholly in memory. */
  get complete(): boolean {
    return this.#ended && this.#error === undefined && this.#state === "head";
  }

  /** All of the output from its start, until `signal` fires. Call only while `joinable`. @throws what the process failed with */
  read(signal?: AbortSignal): AsyncIterableIterator<Buffer> {
    // Counted at once, not at the first read: otherwise the process could end, or go exclusive, in between.
    this.#readers++;
    const inner = this.#readAll();
    let left = false;
    const leave = async () => {
      if (left) return;
      left = true;
      signal?.removeEventListener("abort", onAbort);
      await this.#leave();
    };
    const onAbort = () => void leave();
    signal?.addEventListener("abort", onAbort, { once: true });
    return {
      async next() {
        try {
          signal?.throwIfAborted();
          const next = await inner.next();
          if (next.done) await leave();
          return next;
        } catch (error) {
          await leave();
          throw error;
        }
      },
      async return() {
        await leave();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  async *#readAll(): AsyncGenerator<Buffer> {
    for (let index = 0; ; ) {
      const chunk = this.#head[index];
      if (chunk) {
        index++;
        yield chunk;
        // Nobody else will read it.
        if (this.#state === "exclusive") {
          this.#head.splice(0, index);
          index = 0;
        }
      } else if (this.#state === "head" && !this.#ended) await this.#changed.promise;
      else break;
    }
    if (this.#state === "exclusive") {
      for (let next = await this.#source.next(); !next.done; next = await this.#source.next()) yield next.value;
      await this.#stream.finished;
    } else yield* this.#readSpool();
    if (this.#error !== undefined) throw this.#error;
  }

  async *#readSpool(): AsyncGenerator<Buffer> {
    for (let at = 0; ; ) {
      if (at < this.#spoolBytes) {
        const buffer = Buffer.allocUnsafe(Math.min(256 * 1024, this.#spoolBytes - at));
        const { bytesRead } = await (this.#spool as FileHandle).read(buffer, 0, buffer.length, at);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else if (this.#ended) return;
      else await this.#changed.promise;
    }
  }

  async #leave(): Promise<void> {
    this.#readers--;
    if (this.#readers > 0) return;
    if (!this.#ended) {
      this.#ended = true;
      this.#error ??= new Error("nobody reads this any more");
      this.#stream.kill();
    }
    if (!this.complete) this.#options.onClosed();
    await this.#spool?.close();
    this.#spool = undefined;
  }

  async #produce(): Promise<void> {
    try {
      for (;;) {
        if (this.#headBytes >= this.#options.maxHeadBytes && this.#state === "head" && !(await this.#goOn())) return;
        const next = await this.#source.next();
        if (next.done) break;
        if (this.#state === "spool") await this.#append(next.value);
        else {
          this.#head.push(next.value);
          this.#headBytes += next.value.length;
        }
        this.#notify();
      }
      await this.#stream.finished;
    } catch (error) {
      this.#error ??= error instanceof Error ? error : new Error(String(error));
      this.#options.onClosed();
    }
    this.#ended = true;
    this.#notify();
  }

  /** Memory is full: to a file, or to the only reader. False when this loop has nothing more to do. */
  async #goOn(): Promise<boolean> {
    if (this.#readers < 2 && !this.#options.expectOthers) {
      this.#state = "exclusive";
      this.#options.onClosed();
      this.#notify();
      return false;
    }
    await mkdir(this.#options.folder, { recursive: true });
    const path = join(this.#options.folder, randomUUID());
    this.#spool = await open(path, "wx+", 0o600);
    await rm(path);
    this.#state = "spool";
    return true;
  }

  async #append(chunk: Buffer): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const spool = this.#spool;
      if (!spool) return; // the last reader has left
      const { bytesWritten } = await spool.write(chunk, written, chunk.length - written, this.#spoolBytes);
      written += bytesWritten;
      this.#spoolBytes += bytesWritten;
    }
  }

  #notify(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }
}
