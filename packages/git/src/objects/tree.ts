import { runGit } from "../process/git-process.ts";
import { type ReadOptions, UnknownRevisionError } from "./revision.ts";

export type EntryKind = "file" | "executable" | "symlink" | "directory" | "submodule";

export interface TreeEntry {
  name: string;
  /** The name's bytes as latin1, where `name` may not say all of them. */
  nameBytes?: string;
  path: string;
  kind: EntryKind;
  objectId: string;
  /** Bytes of a file or symlink; absent for directories and submodules. */
  size?: number;
}

/** Directories first, then by name. */
export function sortEntries(entries: TreeEntry[]): TreeEntry[] {
  const rank = ({ kind }: TreeEntry) => (kind === "directory" ? 0 : 1);
  return entries.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** What an octal mode says, as git takes it: only the type counts and whether the owner may execute (`canon_mode` in git's cache.h). */
export function kindOfMode(mode: string): EntryKind {
  const bits = Number.parseInt(mode, 8);
  switch (bits & 0o170000) {
    case 0o040000:
      return "directory";
    case 0o100000:
      return (bits & 0o100) === 0 ? "file" : "executable";
    case 0o120000:
      return "symlink";
    default:
      return "submodule";
  }
}

/** The entry at `path`. @throws {UnknownRevisionError} when there is none. */
export async function findEntry(treeish: string, path: string, read: ReadOptions): Promise<TreeEntry> {
  const clean = normalizePath(path);
  const parent = clean.includes("/") ? clean.slice(0, clean.lastIndexOf("/")) : "";
  const result = await runGit(["ls-tree", "-z", "--long", "--full-tree", treeish, "--", clean], {
    ...read,
    okExitCodes: [0, 128],
  });
  const [entry] = result.exitCode === 0 && clean !== "" ? parseLsTree(result.stdout.toString("utf8"), "") : [];
  if (!entry) throw new UnknownRevisionError(`path ${JSON.stringify(path)} does not exist at this revision`);
  return { ...entry, name: entry.path.slice(parent === "" ? 0 : parent.length + 1), path: entry.path };
}

/** Removes leading and trailing slashes; refuses what no tree can hold. */
export function normalizePath(path: string): string {
  const clean = path.replace(/^\/+|\/+$/g, "");
  if (
    clean.includes("\0") ||
    clean.split("/").some((part) => part === "." || part === ".." || (part === "" && clean !== ""))
  ) {
    throw new UnknownRevisionError(`path ${JSON.stringify(path.slice(0, 200))} is not a path inside a repository`);
  }
  return clean;
}

function parseLsTree(output: string, directory: string): TreeEntry[] {
  return output.split("\0").flatMap((record) => {
    const match = /^(\d{6}) (?:blob|tree|commit) ([0-9a-f]{40}) +(\d+|-)\t(.+)$/su.exec(record);
    if (!match) return [];
    const [, mode, objectId, size, name] = match as unknown as [string, string, string, string, string];
    const entry: TreeEntry = {
      name,
      path: directory === "" ? name : `${directory}/${name}`,
      kind: kindOfMode(mode),
      objectId,
      ...(size === "-" ? {} : { size: Number(size) }),
    };
    return [entry];
  });
}
