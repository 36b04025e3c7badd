import type { Budget } from "../budget.ts";
import type { CelType } from "../types.ts";
import { parseType } from "../types.ts";
import type { Value } from "../values.ts";

/** One signature of a function with what it does. A receiver is the first parameter. */
export interface Overload {
  readonly name: string;
  readonly isMethod: boolean;
  readonly parameters: readonly CelType[];
  readonly result: CelType;
  /** It has type parameters. */
  readonly isGeneric: boolean;
  call(args: readonly Value[], budget: Budget): Value;
}

// biome-ignore lint/suspicious/noExplicitAny: the signature's text says the types of the arguments, and they are checked against it before the call
type Implementation = (...args: any[]) => Value;

/**
 * An overload from its signature: `string.charAt(int): string` is a method, `quantity(string): kubernetes.Quantity` a function,
 * `optional.of(T): optional<T>` a function in a namespace (a receiver that starts with a `#` is no type: `#optional.of`).
 */
export function overload(signature: string, call: Implementation): Overload {
  const match = /^(?:(#?)([\w.]+(?:<.*?>)?)\.)?(@?\w+)\((.*)\): (.+)$/.exec(signature);
  if (match === null) throw new Error(`malformed signature ${signature}`);
  const [, hash, receiver, name = "", parameters = "", result = "dyn"] = match;
  const isMethod = receiver !== undefined && hash === "";
  const types = parameters === "" ? [] : split(parameters).map(parseType);
  const all = isMethod ? [parseType(receiver), ...types] : types;
  return {
    name: receiver !== undefined && !isMethod ? `${receiver}.${name}` : name,
    isMethod,
    parameters: all,
    result: parseType(result),
    isGeneric: all.some(hasParameter) || hasParameter(parseType(result)),
    call: (args) => call(...args),
  };
}

/** An overload whose implementation gets the budget first: one that may do much for its cost. */
export function budgeted(signature: string, call: (budget: Budget, ...args: never[]) => Value): Overload {
  const run = call as (budget: Budget, ...args: readonly Value[]) => Value;
  return { ...overload(signature, () => null), call: (args, budget) => run(budget, ...args) };
}

/** An overload of an operator: `operator("_+_", "int, int", "int", add)`. */
export function operator(name: string, parameters: string, result: string, call: Implementation): Overload {
  return { ...overload(`operator(${parameters}): ${result}`, call), name };
}

function hasParameter(type: CelType): boolean {
  return type.kind === "param" || type.of.some(hasParameter);
}

function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "<") depth++;
    else if (text[at] === ">") depth--;
    else if (text[at] === "," && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}
