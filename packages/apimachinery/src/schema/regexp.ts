/**
 * Regular expressions in RE2's syntax. Matching takes time in proportion to the text times the states of the pattern, about 20 ns for each pair where
 * no automaton of few states does it; and one match cannot be interrupted. So patterns are bounded in size, and texts by their pattern.
 */
import { RE2JS } from "re2js";

/** Instructions after repetitions are written out; compiling so many takes about 10 ms. */
const maxExpandedSize = 5000;
/** Characters times instructions of one match: 50 ms at most. */
export const maxMatchWork = 2_500_000;
/** Patterns of so few instructions have few sets of states, and are matched by an automaton whatever the text. */
const smallProgram = 12;
const maxSmallText = 1_000_000;

/** Whether an automaton tells in time that the text matches. */
export function isQuick(programSize: number, textLength: number): boolean {
  return programSize <= smallProgram && textLength <= maxSmallText;
}

/** Patterns are compiled once; this many are kept. Schemas and policies hold a few hundred at most, so the bound is against abuse. */
const maxCached = 2000;
const cache = new Map<string, RE2JS>();

/**
 * A pattern in RE2 syntax, as Go and therefore Kubernetes reads it, matched in linear time: a hostile pattern or text cannot hang the server.
 * `test` finds the pattern anywhere in the text, as JSON Schema and CEL's `matches` do.
 *
 * @throws Error with Go's text for a pattern that RE2 does not accept, or that is too large
 */
export function linearRegExp(pattern: string): RE2JS {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  if (expandedSize(pattern) > maxExpandedSize)
    throw new Error(
      `error parsing regexp: expression nests or repeats too much: more than ${maxExpandedSize} instructions`,
    );
  const compiled = RE2JS.compile(pattern);
  if (cache.size >= maxCached) cache.delete(cache.keys().next().value ?? "");
  cache.set(pattern, compiled);
  return compiled;
}

/** An upper bound of the instructions of a pattern: its characters, with repetitions written out. */
export function expandedSize(pattern: string): number {
  if (!pattern.includes("{")) return pattern.length;
  const groups = [0];
  let atom = 0;
  for (const [token] of pattern.matchAll(
    /\\[pPx]\{[^}]*\}|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{\d+(?:,\d*)?\}|[\s\S]/g,
  )) {
    if (token === "(") groups.push(0);
    else if (token === ")" && groups.length > 1) {
      atom = (groups.pop() ?? 0) + 2;
      groups[groups.length - 1] = (groups.at(-1) ?? 0) + atom;
    } else {
      const counts = /^\{(\d+),?(\d*)\}$/.exec(token);
      const added = counts === null ? 1 : atom * (Math.max(Number(counts[1]), Number(counts[2])) - 1);
      atom = counts === null ? 1 : atom + added;
      groups[groups.length - 1] = (groups.at(-1) ?? 0) + Math.max(0, added);
    }
  }
  return groups.reduce((sum, each) => sum + each, 0);
}
