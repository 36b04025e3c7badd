/** Matches of a text as the lines a person reads. */
import { type FoundLine, searchLimits } from "./code-search.ts";

/** `ranges` in order, without overlaps; a match over several lines is shown on each of them. At most one more line than allowed. */
export function linesOf(text: string, ranges: readonly (readonly [number, number])[]): FoundLine[] {
  const lines: FoundLine[] = [];
  let number = 1;
  let start = 0;
  let inLine: [number, number][] = [];
  let end = endOfLine(text, 0);
  const flush = () => {
    if (inLine.length > 0) lines.push(foundLine(text.slice(start, end).replace(/\r$/, ""), number, inLine));
    inLine = [];
  };
  for (const [from, to] of ranges) {
    for (let at = from; at < to; ) {
      while (at > end) {
        flush();
        start = end + 1;
        end = endOfLine(text, start);
        number++;
      }
      if (lines.length > searchLimits.linesPerFile) return lines;
      if (at < end) inLine.push([at - start, Math.min(to, end) - start]);
      at = end + 1;
    }
  }
  flush();
  return lines;
}

function endOfLine(text: string, from: number): number {
  const found = text.indexOf("\n", from);
  return found < 0 ? text.length : found;
}

/** Characters shown before the first match of a long line. */
const before = 60;

/** A line without its end, cut to what is shown. `ranges`: UTF-16 offsets in `line`, in order. */
export function foundLine(line: string, number: number, ranges: readonly [number, number][]): FoundLine {
  const { lineLength, rangesPerLine } = searchLimits;
  const skipped = line.length <= lineLength ? 0 : windowStart(line, ranges[0]?.[0] ?? 0);
  const text = line.slice(skipped, skipped + lineLength);
  const visible = ranges
    .map(([start, end]): [number, number] => [Math.max(0, start - skipped), Math.min(text.length, end - skipped)])
    .filter(([start, end]) => end > start)
    .slice(0, rangesPerLine);
  return { number, text, ranges: visible, ...(skipped > 0 && { skipped }) };
}

function windowStart(line: string, match: number): number {
  const start = Math.max(0, Math.min(match - before, line.length - searchLimits.lineLength));
  // Not between the halves of a character.
  return /[\uDC00-\uDFFF]/.test(line[start] ?? "") ? start - 1 : start;
}
