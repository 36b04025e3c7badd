/**
 * A tree object (gitformat "tree"):
 *
 *   tree  = *( mode SP name NUL object-id )     ; mode octal without leading zeros, object-id 20 octets
 */
import type { ObjectReader } from "./object-reader.ts";
import { UnknownRevisionError } from "./revision.ts";
import { type EntryKind, kindOfMode, normalizePath, sortEntries, type TreeEntry } from "./tree.ts";

/** Reads the entries of a tree object; `directory` is put in front of their paths. */
export function parseTreeObject(content: Buffer, directory: string): TreeEntry[] {
  const entries: TreeEntry[] = [];
  let at = 0;
  while (at < content.length) {
    const space = content.indexOf(0x20, at);
    const nul = content.indexOf(0, space);
    if (space < 0 || nul < 0 || nul + 21 > content.length)
      throw new Error("a tree object ends in the middle of an entry");
    const mode = content.toString("latin1", at, space).padStart(6, "0");
    const name = content.toString("utf8", space + 1, nul);
    const objectId = content.toString("hex", nul + 1, nul + 21);
    entries.push({
      name,
      path: directory === "" ? name : `${directory}/${name}`,
      kind: kindOfMode(mode),
      objectId,
      // Only a name with U+FFFD can stand for other bytes than its own.
      ...(name.includes("\ufffd") ? { nameBytes: content.toString("latin1", space + 1, nul) } : {}),
    });
    at = nul + 21;
  }
  return entries;
}

/** The object at a path of a commit or tree. Paths with a newline cannot be asked for this way; use `findEntry`. */
async function infoAt(reader: ObjectReader, treeish: string, path: string) {
  return reader.info(path === "" ? `${treeish}^{tree}` : `${treeish}:${path}`);
}

export interface Directory {
  entries: TreeEntry[];
  /** How many entries the directory has; more than `entries` when it was cut. */
  total: number;
}

const sized: ReadonlySet<EntryKind> = new Set(["file", "executable", "symlink"]);

/**
 * Lists a directory through an open reader: no process is started.
 * @throws {UnknownRevisionError} when the path is not a directory, or a tree object is above 32 MiB.
 */
export async function readDirectory(
  reader: ObjectReader,
  treeish: string,
  path: string,
  options: { maxEntries: number },
): Promise<Directory> {
  const clean = normalizePath(path);
  const info = await infoAt(reader, treeish, clean);
  if (info?.type !== "tree")
    throw new UnknownRevisionError(`directory ${JSON.stringify(path)} does not exist at this revision`);
  if (info.size > 32 * 1024 * 1024)
    throw new UnknownRevisionError(`directory ${JSON.stringify(path)} is too large to list`);
  const object = await reader.read(info.objectId);
  const all = sortEntries(parseTreeObject(object?.content ?? Buffer.alloc(0), clean));
  const entries = all.slice(0, options.maxEntries);
  await Promise.all(
    entries.map(async (entry) => {
      if (!sized.has(entry.kind)) return;
      const blob = await reader.info(entry.objectId);
      if (blob) entry.size = blob.size;
    }),
  );
  return { entries, total: all.length };
}

/** The blob at a path. @throws {UnknownRevisionError} when there is none. */
export async function findBlob(
  reader: ObjectReader,
  treeish: string,
  path: string,
): Promise<{ objectId: string; size: number }> {
  const clean = normalizePath(path);
  const info = clean === "" ? undefined : await infoAt(reader, treeish, clean);
  if (info?.type === "blob") return info;
  const what = info?.type === "tree" ? "is a directory" : "does not exist at this revision";
  throw new UnknownRevisionError(`file ${JSON.stringify(path)} ${what}`);
}
