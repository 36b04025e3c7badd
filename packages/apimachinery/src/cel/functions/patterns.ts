/** Regular expressions in expressions: one match cannot be interrupted, so that texts are bounded by their pattern (`schema/regexp.ts`). */
import type { RE2JS } from "re2js";
import { expandedSize, isQuick, linearRegExp, maxMatchWork } from "../../schema/regexp.ts";
import type { Budget } from "../budget.ts";
import { CelBudgetError, CelError } from "../issues.ts";

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
    compiled = linearRegExp(pattern);
  } catch (cause) {
    throw new CelError(`${prefix}${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const size = compiled.programSize();
  const work = size * text.length;
  if (work > maxMatchWork && (finds || !isQuick(size, text.length)))
    throw new CelBudgetError("operation cancelled: the text is too long for the regular expression");
  budget.step(work >> 6);
  return compiled;
}
