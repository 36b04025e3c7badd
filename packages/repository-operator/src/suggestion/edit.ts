/** Replaces lines of a file by suggested ones: pure, byte for byte outside the lines. */

export interface Edit {
  /** From 1, both included. */
  first: number;
  last: number;
  /** The new lines; empty removes the old ones. A final newline may be left out. */
  text: string;
}

export type Edited = { ok: true; content: Buffer } | { ok: false; reason: "Overlapping" | "Outdated"; message: string };

/** Line endings follow the lines that are replaced, so that a file with CRLF stays one. */
export function applyEdits(content: Buffer, edits: readonly Edit[]): Edited {
  // One character for each byte: a file need not be UTF-8.
  const lines = content.toString("latin1").split("\n");
  const count = lines.at(-1) === "" ? lines.length - 1 : lines.length;
  const ordered = edits.toSorted((a, b) => a.first - b.first);
  for (const [index, { last }] of ordered.entries()) {
    if (last > count) return { ok: false, reason: "Outdated", message: `the file has ${count} lines, not ${last}` };
    const next = ordered[index + 1];
    if (next && next.first <= last)
      return { ok: false, reason: "Overlapping", message: `two suggestions are about line ${next.first}` };
  }
  for (const { first, last, text } of ordered.toReversed()) {
    const isCrlf = lines.slice(first - 1, last).every((line) => line.endsWith("\r"));
    lines.splice(first - 1, last - first + 1, ...linesOfSuggestion(text, { isCrlf }));
  }
  return { ok: true, content: Buffer.from(lines.join("\n"), "latin1") };
}

function linesOfSuggestion(text: string, { isCrlf }: { isCrlf: boolean }): string[] {
  if (text === "") return [];
  const bytes = Buffer.from(text.replaceAll("\r\n", "\n").replace(/\n$/, "")).toString("latin1");
  return bytes.split("\n").map((line) => (isCrlf ? `${line}\r` : line));
}
