/** Calls of functions: which overloads fit the types, and which one the values. */
import { linearRegExp } from "../schema/regexp.ts";
import type { Node } from "./ast.ts";
import { fits } from "./fits.ts";
import type { Overload } from "./functions/overload.ts";
import { noOverload } from "./operators.ts";
import type { Evaluate, Planned } from "./plan.ts";
import { parseDuration, parseTimestamp } from "./times.ts";
import type { CelType } from "./types.ts";
import { formatType, isAssignable, substitute, types } from "./types.ts";
import type { Value } from "./values.ts";

export interface Matched {
  overload: Overload;
  result: CelType;
}

export function matchOverloads(candidates: readonly Overload[], args: readonly Planned[]): Matched[] {
  return candidates.flatMap((overload) => {
    if (overload.parameters.length !== args.length) return [];
    const bound = new Map<string, CelType>();
    const matches = overload.parameters.every((parameter, index) =>
      isAssignable(parameter, args[index]?.type ?? types.dyn, bound),
    );
    return matches ? [{ overload, result: substitute(overload.result, bound) }] : [];
  });
}

export function describeArguments(args: readonly Planned[], isMethod: boolean): string {
  const texts = args.map(({ type }) => formatType(type));
  return isMethod ? `${texts[0]}.(${texts.slice(1).join(", ")})` : `(${texts.join(", ")})`;
}

/** A call picks its overload by the values: what was checked as `dyn` is known only now. */
export function callOf(name: string, overloads: readonly Overload[], args: readonly Planned[]): Evaluate {
  return (run) => {
    const values = args.map(({ evaluate }) => evaluate(run));
    for (const overload of overloads) {
      if (!overload.parameters.every((parameter, index) => fits(parameter, values[index] as Value))) continue;
      run.budget.spend(1 + (overload.cost?.(values) ?? 0));
      return overload.call(values, run.budget);
    }
    throw noOverload(name, ...values);
  };
}

/**
 * Patterns, times and durations that are written out are checked before the run, not when they are needed.
 *
 * @returns the argument that is wrong
 */
export function wrongLiteral(name: string, target: Node | undefined, args: readonly Node[]): Node | undefined {
  const argument = name === "matches" && target === undefined ? args[1] : args[0];
  const isChecked = ["matches", "timestamp", "duration", "find", "findAll"].includes(name);
  if (!isChecked || argument?.kind !== "literal" || typeof argument.value !== "string") return undefined;
  try {
    if (name === "timestamp") parseTimestamp(argument.value);
    else if (name === "duration") parseDuration(argument.value);
    else linearRegExp(argument.value);
    return undefined;
  } catch {
    return argument; // what is wrong with it is not told by cel-go either
  }
}
