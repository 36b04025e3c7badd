/**
 * Regular expressions in RE2's syntax. Matching takes time in proportion to the text times the states of the pattern, about 20 ns for each pair where
 * no automaton of few states does it; and one match cannot be interrupted. So patterns are bounded in size, and texts by their pattern.
 */
import type { RE2JS } from "re2js";
import { linearRegExp } from "../../schema/regexp.ts";
import type { Budget } from "../budget.ts";
import { CelBudgetError, CelError } from "../issues.ts";

/** Instructions after repetitions are written out; compiling so many takes about 10 ms. */
const maxExpandedSize = 5000;
/** Characters times instructions of one match: 50 ms at most. */
const maxWork = 2_500_000;
/** Patterns of so few instructions have few sets of states, and are matched by an automaton whatever the text. */
const smallProgram = 12;
const maxSmallText = 3_000_000;

/** @throws Error with Go's text */
export function compilePattern(pattern: string): RE2JS {
  if (expandedSize(pattern) > maxExpandedSize)
    throw new Error(
      `error parsing regexp: expression nests or repeats too much: more than ${maxExpandedSize} instructions`,
    );
  return linearRegExp(pattern);
}

export interface Search {
  pattern: string;
  text: string;
  /** Where the match is matters, not only whether there is one: that takes more time. */
  finds: boolean;
}

/**
 * A pattern that may be matched with the text.
 *
 * @throws CelError for what is no pattern, with `prefix` before the text, and CelBudgetError for what would take too long
 */
export function patternFor(budget: Budget, { pattern, text, finds }: Search, prefix = ""): RE2JS {
  budget.step(expandedSize(pattern));
  let compiled: RE2JS;
  try {
    compiled = compilePattern(pattern);
  } catch (cause) {
    throw new CelError(`${prefix}${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const size = compiled.programSize();
  const isSmall = !finds && size <= smallProgram && text.length <= maxSmallText;
  const work = size * text.length;
  if (work > maxWork && !isSmall)
    throw new CelBudgetError("operation cancelled: the text is too long for the regular expression");
  budget.step(work >> 6);
  return compiled;
}

/** An upper bound of the instructions of a pattern: its characters, with repetitions written out. */
function expandedSize(pattern: string): number {
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
