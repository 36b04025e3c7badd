/**
 * A tree object (gitformat "tree"):
 *
 *   tree  = *( mode SP name NUL object-id )     ; mode octal without leading zeros, object-id 20 octets
 */
import { kindOfMode, type TreeEntry } from "./tree.ts";

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
