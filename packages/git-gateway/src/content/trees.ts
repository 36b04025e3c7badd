import { type ObjectReader, parseTreeObject, sortEntries, type TreeEntry, UnknownRevisionError } from "@krate/git";
import { BoundedMap } from "./bounded-map.ts";
import type { RepositoryPath } from "./repository-path.ts";

/** Entries held in memory over all trees, about 300 bytes each. */
const maxEntries = 100_000;
/** Sizes of files held in memory, about 150 bytes each. */
const maxSizes = 200_000;
const maxTreeBytes = 32 * 1024 * 1024;

/** What a path of a commit leads to. */
export interface FoundEntry {
  kind: TreeEntry["kind"];
  objectId: string;
}

/** Reads trees through open readers, without a process; those of late are kept by their object ids, which never change. */
export class Trees {
  readonly #entries = new BoundedMap<readonly TreeEntry[]>(maxEntries);
  readonly #sizes = new BoundedMap<number>(maxSizes);
  readonly #sized = new BoundedMap<readonly TreeEntry[]>(maxEntries);

  /** Entries of a tree object, directories first, paths not filled in. @throws {UnknownRevisionError} above 32 MiB */
  async entries(reader: ObjectReader, treeId: string): Promise<readonly TreeEntry[]> {
    const known = this.#entries.get(treeId);
    if (known) return known;
    const info = await reader.info(treeId);
    if (info?.type !== "tree") throw new UnknownRevisionError(`tree ${treeId} does not exist`);
    if (info.size > maxTreeBytes) throw new UnknownRevisionError(`tree ${treeId} is too large to list`);
    const object = await reader.read(treeId);
    const entries = sortEntries(parseTreeObject(object?.content ?? Buffer.alloc(0), ""));
    this.#entries.set(treeId, entries, entries.length + 1);
    return entries;
  }

  /** The first `limit` of them, files with their sizes. */
  async sizedEntries(reader: ObjectReader, treeId: string, limit: number): Promise<readonly TreeEntry[]> {
    const key = `${treeId} ${limit}`;
    const known = this.#sized.get(key);
    if (known) return known;
    const entries = await Promise.all(
      (await this.entries(reader, treeId)).slice(0, limit).map(async (entry) => {
        if (entry.kind === "directory" || entry.kind === "submodule") return entry;
        const size = await this.#sizeOf(reader, entry.objectId);
        return size === undefined ? entry : { ...entry, size };
      }),
    );
    this.#sized.set(key, entries, entries.length + 1);
    return entries;
  }

  /** After a push a directory is a new tree of mostly the same files. */
  async #sizeOf(reader: ObjectReader, blobId: string): Promise<number | undefined> {
    const known = this.#sizes.get(blobId);
    if (known !== undefined) return known;
    const size = (await reader.info(blobId))?.size;
    if (size !== undefined) this.#sizes.set(blobId, size);
    return size;
  }

  /** What lies at a path; undefined for nothing. */
  async find(reader: ObjectReader, commitId: string, path: RepositoryPath): Promise<FoundEntry | undefined> {
    const root = await reader.info(`${commitId}^{tree}`);
    if (!root) return undefined;
    let found: FoundEntry = { kind: "directory", objectId: root.objectId };
    if (path.bytes === "") return found;
    for (const name of path.bytes.split("/")) {
      if (found.kind !== "directory") return undefined;
      const entry = (await this.entries(reader, found.objectId)).find((candidate) => nameBytes(candidate) === name);
      if (!entry) return undefined;
      found = { kind: entry.kind, objectId: entry.objectId };
    }
    return found;
  }

  /** The directory at a path. @throws {UnknownRevisionError} */
  async directory(reader: ObjectReader, commitId: string, path: RepositoryPath): Promise<string> {
    const found = await this.find(reader, commitId, path);
    if (found?.kind === "directory") return found.objectId;
    throw new UnknownRevisionError(`directory ${JSON.stringify(path.text)} does not exist at this revision`);
  }

  /** The file (or symbolic link, whose content is its target) at a path. @throws {UnknownRevisionError} */
  async file(reader: ObjectReader, commitId: string, path: RepositoryPath): Promise<FoundEntry & { size: number }> {
    const found = await this.find(reader, commitId, path);
    const info = found && found.kind !== "submodule" ? await reader.info(found.objectId) : undefined;
    if (found && info?.type === "blob") return { ...found, size: info.size };
    const what = found ? `is a ${found.kind}` : "does not exist at this revision";
    throw new UnknownRevisionError(`file ${JSON.stringify(path.text)} ${what}`);
  }
}

const ascii = /^[\x20-\x7e]*$/;

/** The name's bytes, one character each. */
export function nameBytes({ name, nameBytes: bytes }: TreeEntry): string {
  return bytes ?? (ascii.test(name) ? name : Buffer.from(name).toString("latin1"));
}
