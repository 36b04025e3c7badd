import { type DiffDocument, rowKind } from "./diff-document.ts";
import { type Thread, threadKey } from "./threads.ts";

/**
 * What the list shows: each entry is a row of the document, or, below zero, thread `-1 - entry`. Collapsed files keep only their header.
 */
export function viewRows(
  document: DiffDocument,
  threads: readonly Thread[],
  collapsed: ReadonlySet<string>,
): { entries: Int32Array; files: number[]; threadEntries: number[] } {
  const byLine = new Map<string, number[]>();
  threads.forEach(({ path, side, line }, index) => {
    if (line === undefined) return;
    const key = threadKey(path, side, line);
    byLine.set(key, [...(byLine.get(key) ?? []), index]);
  });
  const entries = new Int32Array(document.length + threads.length);
  const files: number[] = [];
  const threadEntries: number[] = [];
  let count = 0;
  for (let row = 0; row < document.length; row++) {
    const file = document.files[document.fileOf(row)];
    const isHeader = document.kind(row) === rowKind.file;
    if (isHeader) files.push(count);
    else if (file && collapsed.has(file.path)) continue;
    entries[count++] = row;
    if (byLine.size === 0 || !file || isHeader) continue;
    for (const side of ["old", "new"] as const) {
      const line = side === "old" ? document.oldLine(row) : document.newLine(row);
      for (const index of line > 0 ? (byLine.get(threadKey(file.path, side, line)) ?? []) : []) {
        threadEntries.push(count);
        entries[count++] = -1 - index;
      }
    }
  }
  return { entries: entries.subarray(0, count), files, threadEntries };
}
