import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type BackendRepository,
  GitError,
  type PktLineReader,
  packHeaderBytes,
  parsePackHeader,
  type ReadOptions,
  runGit,
  syncDirectory,
} from "@krate/git";
import { isGone, type ProcessOwner, thisProcess } from "./process-owner.ts";

export interface PackLimits {
  /** Largest pack, in bytes. */
  maxPackBytes: number;
  /** Largest allocation git may make while taking a pack apart, in bytes: bounds what a small delta may blow up to. */
  maxObjectBytes: number;
  /** Longest a pack may take from its first byte to its index, in milliseconds. */
  packTimeoutMs: number;
  /** Refs a repository may hold; a push that would create more of them is refused. */
  maxRefs: number;
}

/** Packs with fewer objects are stored loose, as receive.unpackLimit has it: a pack per small push would be slow to read. */
const unpackLimit = 100;

/** The pack was not taken; the text is for the client. */
export class PackRefusedError extends Error {
  override readonly name = "PackRefusedError";
}

/**
 * History has commits that git once wrote and now calls broken. They cannot hurt a reader, and refusing them would refuse
 * importing old projects, so these stay warnings; everything else fsck knows is an error (transfer.fsckObjects).
 */
const strict = `--strict=${[
  "zeroPaddedFilemode",
  "missingSpaceBeforeDate",
  "badTimezone",
  "missingSpaceBeforeEmail",
  "nullSha1",
]
  .map((id) => `${id}=${id === "nullSha1" ? "warn" : "ignore"}`)
  .join(",")}`;

/**
 * Objects of a push that nobody else sees yet: an object directory of its own, with the repository's as alternate. It lies on the
 * same file system, so taking it over is a handful of renames.
 */
export class Quarantine {
  readonly path: string;
  readonly #repository: BackendRepository;

  constructor(repository: BackendRepository, pushId: string) {
    this.#repository = repository;
    this.path = join(incomingDir(repository), pushId);
  }

  /** How to read the repository as it would be with these objects. */
  get read(): ReadOptions {
    return {
      gitDir: this.#repository.gitDir,
      env: {
        GIT_OBJECT_DIRECTORY: this.#objects,
        GIT_ALTERNATE_OBJECT_DIRECTORIES: join(this.#repository.gitDir, "objects"),
        GIT_QUARANTINE_PATH: this.#objects,
      },
    };
  }

  get #objects(): string {
    return join(this.path, "objects");
  }

  /**
   * Stores the pack that follows the commands, and says whether it was a small one.
   * @throws {PackRefusedError} when it is malformed, incomplete, too large or too slow.
   */
  async store(
    reader: PktLineReader,
    limits: PackLimits,
    options: { signal?: AbortSignal; onProgress?(text: string): void } = {},
  ): Promise<{ small: boolean }> {
    await mkdir(join(this.#objects, "pack"), { recursive: true });
    await writeFile(join(this.path, "owner.json"), JSON.stringify(thisProcess));
    const { objects } = parsePackHeader(await reader.peek(packHeaderBytes));
    const small = objects < unpackLimit;
    const args = small
      ? ["unpack-objects", "-q", strict, `--max-input-size=${limits.maxPackBytes}`]
      : [
          "index-pack",
          "--stdin",
          "--fix-thin",
          strict,
          `--max-input-size=${limits.maxPackBytes}`,
          ...(options.onProgress ? ["-v"] : []),
        ];
    try {
      await runGit(args, {
        ...this.read,
        stdin: reader.rest(),
        timeoutMs: limits.packTimeoutMs,
        signal: options.signal,
        maxAllocationBytes: limits.maxObjectBytes,
        onStderr: small ? undefined : options.onProgress,
        config: { "core.bigFileThreshold": String(Math.min(limits.maxObjectBytes, 64 * 1024 * 1024)) },
      });
    } catch (error) {
      throw refusal(error, limits);
    }
    return { small };
  }

  /** Moves the objects into the repository; loose ones first, a pack's index last, so that no reader meets half of anything. Repeatable. */
  async migrate(): Promise<void> {
    const target = join(this.#repository.gitDir, "objects");
    const loose = (await namesIn(this.#objects)).filter((folder) => /^[0-9a-f]{2}$/.test(folder));
    await Promise.all(loose.map((folder) => moveAll(join(this.#objects, folder), join(target, folder))));
    await moveAll(join(this.#objects, "pack"), join(target, "pack"));
  }

  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

async function moveAll(from: string, to: string): Promise<void> {
  const names = (await namesIn(from)).sort((a, b) => Number(a.endsWith(".idx")) - Number(b.endsWith(".idx")));
  if (names.length === 0) return;
  await mkdir(to, { recursive: true });
  for (const name of names) await rename(join(from, name), join(to, name));
  await syncDirectory(to);
}

function refusal(error: unknown, limits: PackLimits): unknown {
  if (!(error instanceof GitError)) return error;
  if (error.failure === "timeout") {
    return new PackRefusedError(`the pack took longer than ${limits.packTimeoutMs / 1000} s; push in smaller steps`, {
      cause: error,
    });
  }
  if (error.failure !== "exit") return error;
  return new PackRefusedError(packComplaint(error.stderr, limits), { cause: error });
}

function packComplaint(stderr: string, limits: PackLimits): string {
  if (/exceeds maximum allowed size/.test(stderr)) {
    return `the pack is larger than the ${limits.maxPackBytes} bytes allowed per push; push in smaller steps or use Git LFS`;
  }
  if (/over limit|Out of memory|attempting to allocate/i.test(stderr)) {
    return `an object is larger than the ${limits.maxObjectBytes} bytes allowed; use Git LFS for large files`;
  }
  const fsck = /(?:error|fatal): (?:object ([0-9a-f]{40}): |.*fsck error.*?: )(.+)/.exec(stderr);
  if (fsck) return `object ${fsck[1] ?? ""} is malformed: ${fsck[2]}`;
  if (/early EOF|unexpected end|premature end/i.test(stderr))
    return "the pack is truncated; the upload was interrupted";
  if (/unresolved delta/i.test(stderr))
    return "the pack is incomplete: a delta has no base in the pack or the repository";
  const first = stderr.split("\n").find((line) => /^(fatal|error):/.test(line));
  return `the pack is malformed: ${first?.replace(/^(fatal|error): /, "") ?? "git could not read it"}`;
}

/** Where quarantines of a repository lie. */
function incomingDir(repository: BackendRepository): string {
  return join(repository.workDir, "incoming");
}

/** Removes quarantines whose process is gone (or, of another host, that are older than a day). Journaled ones are kept for the replay. */
export async function sweepQuarantines(repository: BackendRepository, keep: ReadonlySet<string>): Promise<number> {
  let removed = 0;
  for (const pushId of await namesIn(incomingDir(repository))) {
    const path = join(incomingDir(repository), pushId);
    if (keep.has(pushId) || !(await isStale(path))) continue;
    await rm(path, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

const dayMs = 24 * 60 * 60 * 1000;

async function isStale(path: string): Promise<boolean> {
  const owner = await readFile(join(path, "owner.json"), "utf8").then(
    (text) => JSON.parse(text) as ProcessOwner,
    () => undefined,
  );
  const gone = owner === undefined ? undefined : await isGone(owner);
  if (gone !== undefined) return gone;
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > (owner ? dayMs : 60_000);
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
