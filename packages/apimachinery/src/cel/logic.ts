/** `&&` and `||` while an expression runs. */
import { CelError } from "./issues.ts";
import { noSuchOverload } from "./operators.ts";
import type { Evaluate } from "./plan.ts";

/** The deciding value, true for `||` and false for `&&`, wins over an error on either side, as the specification wants. */
export function logical(left: Evaluate, right: Evaluate, deciding: boolean): Evaluate {
  return (run) => {
    let problem: CelError | undefined;
    for (const term of [left, right]) {
      try {
        const value = term(run);
        if (value === deciding) return deciding;
        if (typeof value !== "boolean") problem ??= noSuchOverload();
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        problem ??= error;
      }
    }
    if (problem !== undefined) throw problem;
    return !deciding;
  };
}
