/** Regular expressions in RE2's syntax, matched in linear time. */
import type { RE2JS } from "re2js";
import { linearRegExp } from "../../schema/regexp.ts";
import { CelError } from "../issues.ts";

/** @throws Error with Go's text */
export function compilePattern(pattern: string): RE2JS {
  return linearRegExp(pattern);
}

/** @throws CelError for what is no pattern; `prefix` goes before the text */
export function patternOf(pattern: string, prefix = ""): RE2JS {
  try {
    return compilePattern(pattern);
  } catch (cause) {
    throw new CelError(`${prefix}${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
