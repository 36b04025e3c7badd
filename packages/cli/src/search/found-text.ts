/** A found file as grep shows it: `namespace/repository:path:line:text`, or the path alone when only that matched. */
import { stripVTControlCharacters } from "node:util";
import type { FoundFile } from "./search.ts";

/** SGR sequences, as grep uses them: file magenta, line number green, match bold red. */
const colours = { file: "\u001b[35m", number: "\u001b[32m", match: "\u001b[1;31m", end: "\u001b[0m" };

export function foundText(file: FoundFile, { colour }: { colour: boolean }): string {
  const paint = (kind: keyof typeof colours, text: string) => (colour ? `${colours[kind]}${text}${colours.end}` : text);
  const name = `${file.namespace}/${file.repository}:${printable(file.path)}`;
  if (file.lines.length === 0) return `${paint("file", name)}\n`;
  const lines = file.lines.map(({ number, text, ranges, skipped }) => {
    const shown = pieces(text, ranges).map(({ text, isMatch }) =>
      isMatch ? paint("match", printable(text)) : printable(text),
    );
    return `${paint("file", name)}:${paint("number", String(number))}:${skipped ? "…" : ""}${shown.join("")}\n`;
  });
  return lines.join("") + (file.moreLines ? `${paint("file", name)}: more lines match\n` : "");
}

function pieces(text: string, ranges: readonly [number, number][]): { text: string; isMatch: boolean }[] {
  const result: { text: string; isMatch: boolean }[] = [];
  let at = 0;
  for (const [start, end] of ranges) {
    result.push({ text: text.slice(at, start), isMatch: false }, { text: text.slice(start, end), isMatch: true });
    at = end;
  }
  return [...result, { text: text.slice(at), isMatch: false }];
}

/** Code is not the terminal's business: what would move its cursor or change its title is not sent to it. */
function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/(?!\t)[\p{Cc}\p{Bidi_Control}]/gu, "\ufffd");
}
