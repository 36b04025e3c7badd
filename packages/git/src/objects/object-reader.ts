import { type ChildProcess, spawn } from "node:child_process";
import { gitEnvironment } from "../process/environment.ts";
import type { ReadOptions } from "./revision.ts";

export interface ObjectInfo {
  objectId: string;
  type: "commit" | "tree" | "blob" | "tag";
  size: number;
}

interface Request {
  command: string;
  contents: boolean;
  resolve(value: { info: ObjectInfo; content?: Buffer } | undefined): void;
  reject(error: Error): void;
}

/**
 * Reads objects through one `git cat-file --batch-command` that stays open:
 *
 *   request  = ( "info" / "contents" ) SP object LF
 *   response = object-id SP type SP size LF [ content LF ]  /  object SP ( "missing" / "ambiguous" ) LF
 *
 * Requests are answered in order, so many may be under way. Every caller must bound what it asks for: contents are held in memory.
 */
export class ObjectReader {
  readonly #child: ChildProcess;
  readonly #queue: Request[] = [];
  #buffer: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #chunkBytes = 0;
  #wanted = 0;
  #failure: Error | undefined;

  constructor(read: ReadOptions) {
    this.#child = spawn("git", ["cat-file", "--batch-command"], {
      env: gitEnvironment(read),
      cwd: read.gitDir,
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    });
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#child.once("error", (error) => this.#fail(error));
    this.#child.once("close", () => this.#fail(new Error("git cat-file has ended")));
    read.signal?.addEventListener("abort", () => this.close(), { once: true });
  }

  /** Whether requests are still answered. */
  get open(): boolean {
    return this.#failure === undefined;
  }

  /** Requests sent and not yet answered. */
  get pending(): number {
    return this.#queue.length;
  }

  /** Type and size, or undefined when there is no such object. */
  async info(object: string): Promise<ObjectInfo | undefined> {
    return (await this.#ask("info", object))?.info;
  }

  /** Type, size and bytes, or undefined when there is no such object. */
  async read(object: string): Promise<(ObjectInfo & { content: Buffer }) | undefined> {
    const answer = await this.#ask("contents", object);
    return answer && { ...answer.info, content: answer.content as Buffer };
  }

  close(): void {
    this.#child.stdin?.end();
    this.#child.kill("SIGTERM");
    this.#fail(new Error("the object reader is closed"));
  }

  #ask(verb: "info" | "contents", object: string): Promise<{ info: ObjectInfo; content?: Buffer } | undefined> {
    if (/[\n\0]/.test(object)) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#queue.push({ command: verb, contents: verb === "contents", resolve, reject });
      this.#child.stdin?.write(`${verb} ${object}\n`);
    });
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
    // Joining on every chunk would be quadratic for a large object: wait until what is wanted is there.
    if (this.#buffer.length + this.#chunkBytes < this.#wanted) return;
    this.#buffer = Buffer.concat([this.#buffer, ...this.#chunks]);
    this.#chunks = [];
    this.#chunkBytes = 0;
    while (this.#answerFirst());
  }

  #answerFirst(): boolean {
    const request = this.#queue[0];
    const end = this.#buffer.indexOf(0x0a);
    if (!request || end < 0) return false;
    const header = this.#buffer.toString("utf8", 0, end);
    const match = /^([0-9a-f]{40,64}) (commit|tree|blob|tag) (\d+)$/.exec(header);
    if (!match) {
      this.#buffer = this.#buffer.subarray(end + 1);
      this.#queue.shift()?.resolve(undefined);
      return true;
    }
    const info = { objectId: match[1] as string, type: match[2] as ObjectInfo["type"], size: Number(match[3]) };
    const total = request.contents ? end + 1 + info.size + 1 : end + 1;
    if (this.#buffer.length < total) {
      this.#wanted = total;
      return false;
    }
    this.#wanted = 0;
    const content = request.contents ? Buffer.from(this.#buffer.subarray(end + 1, end + 1 + info.size)) : undefined;
    this.#buffer = this.#buffer.subarray(total);
    this.#queue.shift()?.resolve({ info, content });
    return true;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const request of this.#queue.splice(0)) request.reject(this.#failure);
  }
}

interface Pooled {
  reader: ObjectReader;
  idle: NodeJS.Timeout;
}

/** Keeps readers of recently used repositories open, one each. */
export class ObjectReaderPool {
  readonly #readers = new Map<string, Pooled>();
  readonly #maxOpen: number;
  readonly #idleMs: number;

  /** @param options.maxOpen processes kept @defaultValue 16 @param options.idleMs unused time after which one ends @defaultValue 30 s */
  constructor(options: { maxOpen?: number; idleMs?: number } = {}) {
    this.#maxOpen = options.maxOpen ?? 16;
    this.#idleMs = options.idleMs ?? 30_000;
  }

  /** The reader of a repository, started when there is none. Do not close it. */
  of(gitDir: string): ObjectReader {
    const pooled = this.#readers.get(gitDir);
    this.#readers.delete(gitDir);
    if (pooled?.reader.open) {
      pooled.idle.refresh();
      this.#readers.set(gitDir, pooled);
      return pooled.reader;
    }
    for (const [oldest, { reader }] of this.#readers) {
      if (this.#readers.size < this.#maxOpen) break;
      if (reader.pending === 0) this.forget(oldest);
    }
    const reader = new ObjectReader({ gitDir });
    const idle = setTimeout(() => this.forget(gitDir), this.#idleMs);
    idle.unref();
    this.#readers.set(gitDir, { reader, idle });
    return reader;
  }

  forget(gitDir: string): void {
    const pooled = this.#readers.get(gitDir);
    if (!pooled) return;
    this.#readers.delete(gitDir);
    clearTimeout(pooled.idle);
    pooled.reader.close();
  }

  close(): void {
    for (const gitDir of [...this.#readers.keys()]) this.forget(gitDir);
  }
}
