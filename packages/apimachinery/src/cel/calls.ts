/** Calls of functions while an expression runs: which overload the values take, and what the call costs. */

import { linearRegExp } from "../schema/regexp.ts";
import type { CallCost } from "./costs.ts";
import { costOf, equalityCost, inequalityCost, unitCost } from "./costs.ts";
import { fits } from "./fits.ts";
import { functions } from "./functions/index.ts";
import type { Overload } from "./functions/overload.ts";
import { CelError } from "./issues.ts";
import { contains, equals, noSuchOverload } from "./operators.ts";
import type { Evaluate, Planned, Run } from "./plan.ts";
import { CelProgramError, constant, folded } from "./plan.ts";
import type { Value } from "./values.ts";
import { Duration, ListValue, OptionalValue, Timestamp, typeNameOf, Uint } from "./values.ts";

const conversions = new Set("bool bytes double dyn duration int string timestamp type uint".split(" "));
const patternFunctions = new Set(["matches", "find", "findAll"]);

/** @throws CelProgramError */
export function callOf(name: string, matching: readonly Overload[], args: readonly Planned[]): Planned {
  const [only] = matching;
  const overload = matching.length === 1 ? only : undefined;
  const [a, b] = args;
  if (name === "or" || name === "orValue")
    return { evaluate: orElse((a as Planned).evaluate, (b as Planned).evaluate, name === "orValue") };
  if (name === "@in" && overload?.parameters[1]?.kind === "list" && b?.constant instanceof ListValue) {
    const membership = constantMembership((a as Planned).evaluate, b.constant);
    if (membership !== undefined) return membership;
  }
  if (patternFunctions.has(name) && typeof b?.constant === "string") checkPattern(b.constant);
  const candidates = overload === undefined ? (functions.get(name) ?? []) : [overload];
  const isOperator = /^[_!@-]/.test(name);
  const call =
    isOperator || singletons.has(name)
      ? operatorCall(name, candidates)
      : dispatch(name, candidates, isPatternConstant(name, b));
  const cost = costOf(name, overload);
  if (conversions.has(name) && a?.constant !== undefined && args.length === 1)
    return folded((run) => call([a.constant as Value], run));
  const stopsEarly =
    args.length > 2 || (overload === undefined && !isOperator && !singletons.has(name) && args.length > 1);
  if (args.length === 1) return { evaluate: unary((a as Planned).evaluate, call, cost) };
  if (args.length === 2 && !stopsEarly && !isPatternConstant(name, b))
    return { evaluate: binary((a as Planned).evaluate, (b as Planned).evaluate, call, cost) };
  const evaluates = args.map(({ evaluate }) => evaluate);
  return { evaluate: variadic(evaluates, call, cost) };
}

/** cel-go gives these one implementation for all overloads, which tells errors otherwise. */
const singletons = new Set(["size", "type", "sort", "@sortByAssociatedKeys"]);
/** These have no check of their arguments before the call, and their own error. */
const unguarded = new Set(["startsWith", "endsWith", "contains", "matches", "find", "findAll"]);

type Call = (args: readonly Value[], run: Run) => Value;
type Costs = ReturnType<typeof costOf>;

/** @param isFixed the pattern is a constant, for which cel-go has another implementation */
function dispatch(name: string, candidates: readonly Overload[], isFixed: boolean): Call {
  return (args, run) => {
    for (const overload of candidates) if (takes(overload, args)) return overload.call(args, run.budget);
    if (unguarded.has(name) && !(name === "matches" && !isFixed && !hasMethods(args[0] as Value)))
      throw noSuchOverload();
    if (name === "matches") throw new CelError("no such overload: matches");
    throw new CelError(`no such overload: ${name}(${args.map(typeNameOf).join(", ")})`);
  };
}

/** Operators are methods of their first operand: what has none is told by name. */
function operatorCall(name: string, candidates: readonly Overload[]): Call {
  const [implementation] = candidates;
  return (args, run) => {
    const [operand] = args as [Value];
    if (name === "size" || name === "type") {
      for (const overload of candidates) if (takes(overload, args)) return overload.call(args, run.budget);
      throw new CelError(`no such overload: ${name}`);
    }
    if (!hasOperator(name, operand)) {
      throw hasMethods(operand) ? noSuchOverload() : new CelError(`no such overload: ${name}`);
    }
    return (implementation as Overload).call(args, run.budget);
  };
}

/** These types have methods, so that cel-go looks for one where it finds no operator. */
function hasMethods(value: Value): boolean {
  return typeof value === "string" || value instanceof Timestamp || value instanceof Duration;
}

/** Types of first operands that have the operator at all. */
const operands: Readonly<Record<string, string>> = {
  "_+_": "bytes double google.protobuf.Duration int list string google.protobuf.Timestamp uint",
  "_-_": "double google.protobuf.Duration int google.protobuf.Timestamp uint",
  "_*_": "double int uint",
  "_/_": "double int uint",
  "_%_": "int uint",
  "-_": "double int google.protobuf.Duration",
  sort: "list",
  "@sortByAssociatedKeys": "list",
};
const ordered = "bool bytes double google.protobuf.Duration int string google.protobuf.Timestamp uint";
const operandTypes = new Map(
  [...Object.entries(operands), ...["_<_", "_<=_", "_>_", "_>=_"].map((name) => [name, ordered] as const)].map(
    ([name, types]) => [name, new Set(types.split(" "))] as const,
  ),
);

function hasOperator(name: string, operand: Value): boolean {
  return operandTypes.get(name)?.has(typeNameOf(operand)) ?? true;
}

function takes({ parameters }: Overload, args: readonly Value[]): boolean {
  return (
    parameters.length === args.length && parameters.every((parameter, index) => fits(parameter, args[index] as Value))
  );
}

/** Steps for walking over long arguments, which the cost of many functions does not tell: `size(text)` costs 1 whatever the text. */
function hiddenWork(args: readonly Value[]): number {
  let units = 0;
  for (const each of args) {
    if (typeof each === "string" || each instanceof Uint8Array) units += each.length;
    else if (each instanceof ListValue) units += each.size * 4;
  }
  return units >> 6;
}

function charged(run: Run, { before, after }: Costs, args: readonly Value[], call: Call): Value {
  if (before === unitCost) {
    run.budget.spend(1);
    if (typeof args[0] === "bigint") return call(args, run);
    run.budget.step(hiddenWork(args));
    return call(args, run);
  }
  if (before !== undefined) run.budget.spend(before(args, undefined, run.budget));
  run.budget.step(hiddenWork(args));
  let result: Value | undefined;
  try {
    result = call(args, run);
    return result;
  } finally {
    if (after !== undefined) run.budget.spend(after(args, result, run.budget));
  }
}

/** What a call costs that an argument's error ends. */
function spendFailed(run: Run, { before, after }: Costs, args: readonly (Value | undefined)[]): void {
  run.budget.spend((before ?? (after as CallCost))(args, undefined, run.budget));
}

function unary(argument: Evaluate, call: Call, cost: Costs): Evaluate {
  return (run) => {
    let value: Value;
    try {
      value = argument(run);
    } catch (error) {
      if (error instanceof CelError) spendFailed(run, cost, [undefined]);
      throw error;
    }
    return charged(run, cost, [value], call);
  };
}

/** Stands for an argument that failed. */
class Failure {
  readonly error: CelError;
  constructor(error: CelError) {
    this.error = error;
  }
}

/** Both sides of an operator are evaluated, also when the first fails; its error is told first. */
function attempt(evaluate: Evaluate, run: Run): Value | Failure {
  try {
    return evaluate(run);
  } catch (error) {
    if (error instanceof CelError) return new Failure(error);
    throw error;
  }
}

function failWith(a: Value | Failure, b: Value | Failure, spend: (args: (Value | undefined)[]) => void): never {
  const args = [a, b].map((each) => (each instanceof Failure ? undefined : each));
  spend(args);
  throw a instanceof Failure ? a.error : (b as Failure).error;
}

function binary(left: Evaluate, right: Evaluate, call: Call, cost: Costs): Evaluate {
  return (run) => {
    const a = attempt(left, run);
    const b = attempt(right, run);
    if (a instanceof Failure || b instanceof Failure) return failWith(a, b, (args) => spendFailed(run, cost, args));
    return charged(run, cost, [a, b], call);
  };
}

/** The first error ends the call: it costs nothing then, unless it was the last argument's. */
function variadic(args: readonly Evaluate[], call: Call, cost: Costs): Evaluate {
  return (run) => {
    const values: Value[] = [];
    try {
      for (const evaluate of args) values.push(evaluate(run));
    } catch (error) {
      if (error instanceof CelError && values.length === args.length - 1)
        spendFailed(run, cost, [...values, undefined]);
      throw error;
    }
    return charged(run, cost, values, call);
  };
}

export function equalityOf(left: Evaluate, right: Evaluate, isNegated: boolean): Evaluate {
  const cost = isNegated ? inequalityCost : equalityCost;
  return (run) => {
    const a = attempt(left, run);
    const b = attempt(right, run);
    if (a instanceof Failure || b instanceof Failure)
      return failWith(a, b, (args) => run.budget.spend(cost(args, undefined, run.budget)));
    if (typeof a === "bigint" && typeof b === "bigint") run.budget.spend(1);
    else run.budget.spend(cost([a, b], undefined, run.budget));
    return isNegated ? !isEqual(a, b, run) : equals(a, b, run.budget);
  };
}

/** What cannot be compared is not equal, to `!=`. */
function isEqual(a: Value, b: Value, run: Run): boolean {
  try {
    return equals(a, b, run.budget);
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
}

/** `or` and `orValue` evaluate their argument only when they need it, and cost nothing. */
function orElse(optional: Evaluate, other: Evaluate, unwraps: boolean): Evaluate {
  return (run) => {
    const value = optional(run);
    if (!(value instanceof OptionalValue)) return value;
    if (value.value === undefined) return other(run);
    return unwraps ? value.value : value;
  };
}

/** `x in [1, 2]` is a look-up in a set; undefined when the elements are none that a set can hold. */
function constantMembership(item: Evaluate, list: ListValue): Planned | undefined {
  if (list.size === 0) return constant(false);
  const isPrimitive = (value: Value) =>
    ["boolean", "bigint", "number", "string"].includes(typeof value) || value instanceof Uint;
  if (![...list].every(isPrimitive)) return undefined;
  return { evaluate: (run) => contains(item(run), list) };
}

function checkPattern(pattern: string): void {
  try {
    linearRegExp(pattern);
  } catch (error) {
    throw new CelProgramError(error instanceof Error ? error.message : String(error));
  }
}

function isPatternConstant(name: string, pattern: Planned | undefined): boolean {
  return patternFunctions.has(name) && typeof pattern?.constant === "string";
}
