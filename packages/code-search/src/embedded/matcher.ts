/** Finds one pattern in one text, in time linear in the text: plain text by the engine of JavaScript, expressions by RE2. */
import { RE2JS } from "re2js";
import type { TextNode } from "../query/query.ts";

export type Range = [start: number, end: number];

export interface Matcher {
  test(text: string): boolean;
  /** The first matches, at most `limit`, not overlapping. */
  ranges(text: string, limit: number): Range[];
}

export function matcherOf(node: TextNode): Matcher {
  if (node.literal === undefined) return expressionMatcher(node);
  return node.caseSensitive ? textMatcher(node.literal) : foldedMatcher(node.literal);
}

function textMatcher(wanted: string): Matcher {
  return {
    test: (text) => text.includes(wanted),
    ranges(text, limit) {
      const found: Range[] = [];
      for (
        let at = text.indexOf(wanted);
        at >= 0 && found.length < limit;
        at = text.indexOf(wanted, at + wanted.length)
      )
        found.push([at, at + wanted.length]);
      return found;
    },
  };
}

/** Without operators there is nothing to backtrack over. */
function foldedMatcher(wanted: string): Matcher {
  const escaped = wanted.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const once = new RegExp(escaped, "iu");
  const all = new RegExp(escaped, "giu");
  return {
    test: (text) => once.test(text),
    ranges(text, limit) {
      const found: Range[] = [];
      for (const match of text.matchAll(all)) {
        if (found.length >= limit) break;
        found.push([match.index, match.index + match[0].length]);
      }
      return found;
    },
  };
}

function expressionMatcher({ pattern, caseSensitive }: TextNode): Matcher {
  const expression = RE2JS.compile(pattern, RE2JS.MULTILINE | (caseSensitive ? 0 : RE2JS.CASE_INSENSITIVE));
  return {
    test: (text) => expression.test(text),
    ranges(text, limit) {
      const found: Range[] = [];
      const matcher = expression.matcher(text);
      while (found.length < limit && matcher.find()) {
        const [start, end] = [matcher.start(), matcher.end()];
        // Queries whose pattern matches nothing are refused; one that does so in places only is not shown there.
        if (end > start) found.push([start, end]);
      }
      return found;
    },
  };
}
