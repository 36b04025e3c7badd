import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { type BackendRepository, syncDirectory } from "@krate/git";
import { type ByteRange, type LfsObject, type LfsRepository, type LfsStore, LfsUnavailableError } from "./lfs-store.ts";
import { verifiedContent } from "./verified-content.ts";

/** Uploads write at least as often as a connection may be silent (10 minutes): what was not touched for longer is a crash's. */
const abandonedAfterMs = 60 * 60_000;

/**
 * Large files beside the Git objects of their repository, so that they move, stay and go with it:
 *
 *   <repository>/krate/lfs/objects/ab/cd/<oid>    by the first two bytes of the id
 *   <repository>/krate/lfs/incoming/<random>      uploads under way; what a crash leaves goes with a later upload
 *
 * An object appears by one rename, after its content was checked and synced.
 */
export class FileLfsStore implements LfsStore {
  readonly name = "disk";

  async sizeOf({ backend }: LfsRepository, oid: string): Promise<number | undefined> {
    try {
      return (await stat(objectPath(backend, oid))).size;
    } catch (error) {
      return undefinedIfMissing(error);
    }
  }

  async read({ backend }: LfsRepository, oid: string, range?: ByteRange): Promise<Readable | undefined> {
    try {
      const file = await open(objectPath(backend, oid), "r");
      return file.createReadStream(range);
    } catch (error) {
      return undefinedIfMissing(error);
    }
  }

  async write(
    { backend }: LfsRepository,
    object: LfsObject,
    content: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void> {
    const incoming = join(lfsFolder(backend), "incoming");
    const temporary = join(incoming, randomUUID());
    const target = objectPath(backend, object.oid);
    try {
      await mkdir(incoming, { recursive: true });
      await sweep(incoming);
      const file = await open(temporary, "wx", 0o600);
      try {
        await writeAll(file, verifiedContent(content, object), signal);
        await file.sync();
      } finally {
        await file.close();
      }
      await makeFolders(dirname(target), lfsFolder(backend));
      await rename(temporary, target);
      await syncDirectory(dirname(target));
    } catch (error) {
      throw isOfDisk(error) ? unavailable(error) : error;
    } finally {
      // What cannot be removed on a disk that fails goes with a later upload.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

/** What the gateway keeps for Git LFS in a repository. */
export function lfsFolder({ workDir }: BackendRepository): string {
  return join(workDir, "lfs");
}

function objectPath(repository: BackendRepository, oid: string): string {
  return join(lfsFolder(repository), "objects", oid.slice(0, 2), oid.slice(2, 4), oid);
}

async function writeAll(file: FileHandle, content: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  for await (const chunk of content) {
    signal.throwIfAborted();
    for (let offset = 0; offset < chunk.length; )
      offset += (await file.write(chunk, offset, chunk.length - offset)).bytesWritten;
  }
}

/** Makes a folder and those above it, each durable in the one it stands in. */
async function makeFolders(folder: string, root: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = folder; made.startsWith(root); made = dirname(made)) await syncDirectory(dirname(made));
}

/** Removes what uploads of processes that are gone have left. */
async function sweep(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > abandonedAfterMs) await rm(path, { force: true });
  }
}

function undefinedIfMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw unavailable(error);
}

const diskErrors = [
  "EIO",
  "EROFS",
  "ESTALE",
  "EACCES",
  "EPERM",
  "ENOSPC",
  "EDQUOT",
  "ENOENT",
  "EEXIST",
  "ENOTDIR",
  "EMFILE",
  "ENFILE",
];

function isOfDisk(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== undefined && diskErrors.includes(code);
}

function unavailable(cause: unknown): LfsUnavailableError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new LfsUnavailableError("the disk of large files is full: ask a platform engineer for room", {
      cause,
      full: true,
    });
  return new LfsUnavailableError("the disk of large files cannot be used at the moment; try again later", { cause });
}
