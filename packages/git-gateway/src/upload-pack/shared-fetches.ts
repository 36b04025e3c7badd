import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type BackendRepository, type PktLine, ProtocolError, parsePktLines } from "@krate/git";
import { SharedOutput } from "./shared-output.ts";
import { protocolVersion, type UploadPackOptions, uploadPack } from "./upload-pack.ts";

export interface SharedFetchesOptions {
  /** Bytes of one answer that are kept in memory while it may be shared. @defaultValue 4 MiB */
  maxHeadBytes?: number;
  /** How long a whole answer that fits into memory is kept for the next, in milliseconds. @defaultValue 10 s */
  keepMs?: number;
  /** Hears how a fetch came by its answer. */
  onFetch?(how: "computed" | "shared" | "own"): void;
}

/** A repository whose packs are larger than this is not shared: its answers could fill the disk. */
const maxRepositoryBytes = 4 * 1024 ** 3;
/** Whole answers that are kept at most. */
const maxKept = 8;
/** Answers under way above which the next ones keep little in memory. */
const manyRunning = 32;
const smallHeadBytes = 64 * 1024;
/** Requests that are remembered as having been made. */
const maxRemembered = 1_000;

/**
 * Fetches that ask for the same at the same time are computed once. Only protocol v2 has requests that say all they want: a `fetch` with
 * its wants by id, haves and `done`. Objects never change, so their answer is the same whoever asks; who may ask has been decided.
 *
 * The first of a kind whose answer outgrows memory before anybody joins is streamed to its client alone; the second shows that more may
 * come, and is shared however large: so a crowd costs two processes at most.
 */
export class SharedFetches {
  readonly #running = new Map<string, SharedOutput>();
  /** When a request was last seen, by its key; the oldest first. */
  readonly #seen = new Map<string, number>();
  readonly #maxHeadBytes: number;
  readonly #keepMs: number;
  readonly #onFetch: SharedFetchesOptions["onFetch"];

  constructor(options: SharedFetchesOptions = {}) {
    this.#maxHeadBytes = options.maxHeadBytes ?? 4 * 1024 * 1024;
    this.#keepMs = options.keepMs ?? 10_000;
    this.#onFetch = options.onFetch;
  }

  /** The answer to one request. */
  async fetch(
    repository: BackendRepository,
    request: Buffer,
    options: UploadPackOptions,
  ): Promise<AsyncIterable<Buffer>> {
    const key = keyOf(repository, request, options.protocol);
    if (key === undefined || (await packBytes(repository)) > maxRepositoryBytes) {
      this.#onFetch?.("own");
      return ownOutput(repository, request, options);
    }
    const known = this.#running.get(key);
    if (known?.joinable) {
      this.#onFetch?.("shared");
      return known.read(options.signal);
    }
    this.#onFetch?.("computed");
    // The process serves whoever reads: only the last of them ends it.
    const { signal, ...unsignalled } = options;
    const output: SharedOutput = new SharedOutput(uploadPack(repository, chunks(request), unsignalled), {
      folder: join(repository.workDir, "answers"),
      maxHeadBytes: this.#running.size > manyRunning ? smallHeadBytes : this.#maxHeadBytes,
      expectOthers: this.#wasSeen(key),
      onClosed: () => this.#forget(key, output),
    });
    this.#running.set(key, output);
    this.#forgetLater(key, output);
    return output.read(signal);
  }

  #wasSeen(key: string): boolean {
    const now = performance.now();
    const last = this.#seen.get(key);
    this.#seen.delete(key);
    this.#seen.set(key, now);
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > maxRemembered && oldest !== undefined) this.#seen.delete(oldest);
    return last !== undefined && now - last < this.#keepMs;
  }

  /** A whole answer stays for a while; one under way stays until it is over. */
  #forgetLater(key: string, output: SharedOutput): void {
    const timer = setInterval(() => {
      if (output.joinable && !output.complete) return;
      clearInterval(timer);
      this.#forget(key, output);
    }, this.#keepMs);
    timer.unref();
    const kept = [...this.#running].filter(([, each]) => each.complete);
    for (const [oldest, each] of kept.slice(0, Math.max(0, kept.length - maxKept))) this.#forget(oldest, each);
  }

  #forget(key: string, output: SharedOutput): void {
    if (this.#running.get(key) === output) this.#running.delete(key);
  }
}

async function* ownOutput(
  repository: BackendRepository,
  request: Buffer,
  options: UploadPackOptions,
): AsyncGenerator<Buffer> {
  const { stdout, finished } = uploadPack(repository, chunks(request), options);
  yield* stdout as AsyncIterable<Buffer>;
  await finished;
}

async function* chunks(request: Buffer): AsyncGenerator<Buffer> {
  yield request;
}

/**
 * What makes two requests the same; undefined for one whose answer depends on more than it says: on refs, or on the next round.
 * What the client calls itself does not count.
 */
export function keyOf(
  repository: BackendRepository,
  request: Buffer,
  protocol: string | undefined,
): string | undefined {
  if (protocolVersion(protocol) !== "version=2") return undefined;
  const hash = createHash("sha256").update(repository.gitDir);
  let isFetch = false;
  let isDone = false;
  for (const line of linesOf(request)) {
    if (line.kind !== "data") {
      hash.update(`\0${line.kind}`);
      continue;
    }
    const text = line.payload.toString("latin1").replace(/\n$/, "");
    if (text.startsWith("agent=") || text.startsWith("session-id=")) continue;
    if (/^(want-ref|deepen-not|deepen-since) /.test(text)) return undefined;
    isFetch ||= text === "command=fetch";
    isDone ||= text === "done";
    hash.update(`\0${text}`);
  }
  return isFetch && isDone ? hash.digest("hex") : undefined;
}

/** None for what is not pkt-lines: git says what is wrong with it. */
function linesOf(request: Buffer): PktLine[] {
  try {
    return parsePktLines(request);
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}

async function packBytes({ gitDir }: BackendRepository): Promise<number> {
  const folder = join(gitDir, "objects/pack");
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
