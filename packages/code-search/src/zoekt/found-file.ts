/** A match of Zoekt as ours: offsets in bytes become offsets in characters. */
import { type FoundFile, type IndexedRepository, searchLimits } from "../engine/code-search.ts";
import { foundLine } from "../engine/lines.ts";
import type { ZoektFile } from "./zoekt-api.ts";

type LineMatch = NonNullable<ZoektFile["LineMatches"]>[number];

/** `showMatches`: false for a query that names no pattern. */
export function foundFile(file: ZoektFile, repository: IndexedRepository, showMatches: boolean): FoundFile {
  const matches = showMatches ? (file.LineMatches ?? []) : [];
  const ofLines = matches.filter(({ FileName }) => !FileName).toSorted((a, b) => a.LineNumber - b.LineNumber);
  const pathRanges = matches.filter(({ FileName }) => FileName).flatMap((match) => rangesOf(match));
  const lines = ofLines.slice(0, searchLimits.linesPerFile).map((match) => {
    const text = Buffer.from(match.Line, "base64")
      .toString("utf8")
      .replace(/\r?\n?$/, "");
    return foundLine(text, match.LineNumber, rangesOf(match));
  });
  return {
    repository,
    path: file.FileName,
    branches: file.Branches ?? [],
    commit: file.Version ?? "",
    ...(file.Language && { language: file.Language }),
    ...(pathRanges.length > 0 && { pathRanges }),
    lines,
    moreLines: ofLines.length > searchLimits.linesPerFile,
  };
}

function rangesOf({ Line, LineFragments }: LineMatch): [number, number][] {
  const bytes = Buffer.from(Line, "base64");
  const characters = (end: number) => bytes.toString("utf8", 0, end).length;
  return LineFragments.toSorted((a, b) => a.LineOffset - b.LineOffset).map(({ LineOffset, MatchLength }) => [
    characters(LineOffset),
    characters(LineOffset + MatchLength),
  ]);
}
