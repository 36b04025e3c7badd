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
  call(args: Value[], budget: Budget): Value;
  /** Cost beyond 1, from the arguments. */
  cost?(args: Value[]): number;
}

// biome-ignore lint/suspicious/noExplicitAny: the signature's text says the types of the arguments, and they are checked against it before the call
type Implementation = (...args: any[]) => Value;

/**
 * An overload from its signature: `string.charAt(int): string` is a method, `quantity(string): kubernetes.Quantity` a function,
 * `optional.of(T): optional<T>` a function in a namespace (a receiver that starts with a `#` is no type: `#optional.of`).
 */
export function overload(signature: string, call: Implementation, cost?: (...args: Value[]) => number): Overload {
  const match = /^(?:(#?)([\w.]+(?:<.*?>)?)\.)?(\w+)\((.*)\): (.+)$/.exec(signature);
  if (match === null) throw new Error(`malformed signature ${signature}`);
  const [, hash, receiver, name = "", parameters = "", result = "dyn"] = match;
  const isMethod = receiver !== undefined && hash === "";
  const types = parameters === "" ? [] : split(parameters).map(parseType);
  return {
    name: receiver !== undefined && !isMethod ? `${receiver}.${name}` : name,
    isMethod,
    parameters: isMethod ? [parseType(receiver), ...types] : types,
    result: parseType(result),
    call: (args) => call(...args),
    ...(cost && { cost: (args: Value[]) => cost(...args) }),
  };
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

/** A tenth of a string's length: what cel-go charges for walking over it. */
export function textCost(text: Value): number {
  return typeof text === "string" ? Math.ceil(text.length / 10) : 1;
}
