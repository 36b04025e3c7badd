/**
 * Compiling and running CEL expressions. Everything else in this package uses only what is here, so that the evaluator behind it can be exchanged.
 */

import type { JsonValue } from "../json.ts";
import { Budget, defaultCostLimit } from "./budget.ts";
import { Checker } from "./checker.ts";
import type { DeclaredSizes } from "./declared-sizes.ts";
import { estimateCost } from "./estimate.ts";
import type { AccessCheck, AccessDecision } from "./functions/authorizer.ts";
import { AccessQuestion } from "./functions/authorizer.ts";
import type { CelIssue } from "./issues.ts";
import { CelBudgetError, CelError, CelSyntaxError, formatIssues } from "./issues.ts";
import { fromJson } from "./json-values.ts";
import { parse } from "./parser.ts";
import type { Evaluate } from "./plan.ts";
import { CelProgramError } from "./plan.ts";
import { Planner } from "./planner.ts";
import type { Range } from "./ranges.ts";
import type { CelType } from "./types.ts";
import { declaredType } from "./types.ts";
import { isExactType } from "./unify.ts";
import { validateLiterals } from "./validators.ts";
import type { Value } from "./values.ts";
import { Duration, ListValue, MapValue, Opaque, OptionalValue, Timestamp, TypeValue, Uint } from "./values.ts";

export interface CompileOptions {
  /** The variables an expression may use, with their types; a name may have dots. */
  variables: Readonly<Record<string, CelType>>;
  /** What the expression must give, exactly, e.g. `types.bool`: `dyn` is refused, as in Kubernetes. @defaultValue anything */
  expectedType?: CelType;
  /** Elements of a list literal, and keys and values of a map literal, must have one type. @defaultValue true, as in Kubernetes */
  homogeneousLiterals?: boolean;
  /** The types and functions of mutating policies: `Object{…}`, `JSONPatch{…}`, `jsonpatch.escapeKey`. @defaultValue false */
  mutating?: boolean;
  /** Sizes of the values that the variables hold, all of one schema: the program has an estimate of its cost then. */
  sizes?: DeclaredSizes;
}

export interface CelProgram {
  readonly expression: string;
  readonly type: CelType;
  /** Names of the variables it uses: what need not be fetched otherwise. */
  readonly variables: ReadonlySet<string>;
  readonly slots: number;
  readonly evaluate: Evaluate;
  /** What a run costs at least and at most; present where sizes were given. */
  readonly estimate?: Range;
}

export type Compiled =
  | { program: CelProgram; issues: readonly [] }
  | {
      program?: undefined;
      /** What is wrong, by place. */
      issues: readonly CelIssue[];
      message: string;
      /** Set when the expression has no issues but a constant in it does not convert; then it is the only thing wrong. */
      problem?: string;
    };

/** Compiles an expression; a program may be run any number of times, also while another run of it waits. */
export function compile(expression: string, options: CompileOptions): Compiled {
  const { variables, expectedType, homogeneousLiterals = true, mutating = false, sizes } = options;
  const checker = new Checker(expression, { variables, mutating });
  try {
    const { node, mistakes } = parse(expression);
    for (const { message, offset } of mistakes) checker.report(message, offset);
    if (mistakes.length > 0) return failed(expression, checker);
    const type = checker.check(node);
    if (checker.issues.length === 0) validateLiterals(node, checker, homogeneousLiterals);
    if (checker.issues.length === 0 && expectedType !== undefined && !isExactType(expectedType, type))
      checker.report(`must evaluate to ${declaredType(expectedType)} but evaluates to ${declaredType(type)}`, node.at);
    if (checker.issues.length > 0) return failed(expression, checker);
    const planner = new Planner();
    const { evaluate } = planner.plan(node);
    const program = { expression, type, variables: checker.used, slots: planner.slots, evaluate };
    if (sizes === undefined) return { program, issues: [] };
    return {
      program: { ...program, estimate: estimateCost(node, sizes, (each) => checker.finalType(each)) },
      issues: [],
    };
  } catch (error) {
    if (error instanceof CelProgramError)
      return { issues: [], message: `program instantiation failed: ${error.message}`, problem: error.message };
    if (isStackOverflow(error)) checker.report("expression recursion limit exceeded", -1);
    else if (error instanceof CelSyntaxError) checker.report(error.message, error.offset);
    else throw error;
    return failed(expression, checker);
  }
}

function failed(expression: string, { issues }: Checker): Compiled {
  const sorted = issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { issues: sorted, message: formatIssues(expression, sorted) };
}

/** A variable whose value is computed when the expression first asks for it. */
export class LazyBinding {
  readonly compute: () => Value | JsonValue | undefined;
  constructor(compute: () => Value | JsonValue | undefined) {
    this.compute = compute;
  }
}

/** Values of the variables: CEL values, plain JSON, or something lazy. A variable without a value is an error where it is used. */
export type Bindings = Readonly<Record<string, Value | JsonValue | LazyBinding | undefined>>;

export interface RunOptions {
  /** @defaultValue 1,000,000, kube-apiserver's limit for one expression */
  costLimit?: number;
  /** @defaultValue 50 ms of processor time: an expression within its cost limit takes less */
  timeoutMilliseconds?: number;
  /** Shared by several expressions, e.g. all validations of one policy; replaces the two limits. */
  budget?: Budget;
  /** Told the cost also when the run fails. */
  spent?: { cost: number };
}

export interface RunResult {
  value: Value;
  /** What this run cost. */
  cost: number;
}

const defaultTimeoutMilliseconds = 50;

/**
 * Runs a program.
 *
 * @throws CelError when the expression fails (a missing key, no overload for the values), CelBudgetError when it does too much
 */
export function run(program: CelProgram, bindings: Bindings, options: RunOptions = {}): RunResult {
  const { costLimit = defaultCostLimit, timeoutMilliseconds = defaultTimeoutMilliseconds } = options;
  const budget = options.budget ?? new Budget(costLimit, timeoutMilliseconds);
  const before = budget.spent;
  const known = new Map<string, Value>();
  const variable = (name: string): Value => {
    let value = known.get(name);
    if (value === undefined) {
      value = bound(name, bindings);
      known.set(name, value);
    }
    return value;
  };
  try {
    const value = program.evaluate({ budget, slots: new Array<Value>(program.slots), variable });
    return { value, cost: budget.spent - before };
  } catch (error) {
    // a stack that is too deep, a text that is too long: what the engine itself bounds
    if (error instanceof RangeError) throw new CelBudgetError("operation cancelled: the values are too large");
    throw error;
  } finally {
    if (options.spent !== undefined) options.spent.cost = budget.spent - before;
  }
}

function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes("call stack");
}

/** The value of a variable; one with dots in its name may be a member of another. */
function bound(name: string, bindings: Bindings): Value {
  const given = Object.hasOwn(bindings, name) ? bindings[name] : undefined;
  const dot = name.lastIndexOf(".");
  if (given === undefined && dot > 0) {
    const owner = bound(name.slice(0, dot), bindings);
    const member = owner instanceof Opaque || owner instanceof MapValue ? owner.select(name.slice(dot + 1)) : undefined;
    if (member !== undefined) return member;
  }
  const value = given instanceof LazyBinding ? given.compute() : given;
  if (value === undefined) throw new CelError(`no such attribute(s): ${name}`);
  return toValue(value);
}

/** A CEL value as it is, anything else as JSON. */
export function toValue(value: Value | JsonValue): Value {
  if (typeof value !== "object" || value === null) return typeof value === "number" ? fromJson(value) : value;
  const isCel = [ListValue, MapValue, Opaque, Timestamp, Duration, Uint, TypeValue, OptionalValue, Uint8Array].some(
    (type) => value instanceof type,
  );
  return isCel ? (value as Value) : fromJson(value as JsonValue);
}

/** Checks an expression may ask before it is given up; each costs a third of the cost limit anyway. */
const maxAccessChecks = 20;

/**
 * Runs something that uses `authorizer`: when it asks what is not known, the answer is fetched and it runs again. `attempt` gets what is known.
 */
export async function runWithAuthorizer<T>(
  attempt: (answer: (check: AccessCheck) => AccessDecision | undefined) => T,
  authorize: (check: AccessCheck) => Promise<AccessDecision>,
): Promise<T> {
  const answers = new Map<string, AccessDecision>();
  for (let checks = 0; checks <= maxAccessChecks; checks++) {
    try {
      return attempt((check) => answers.get(JSON.stringify(check)));
    } catch (error) {
      if (!(error instanceof AccessQuestion)) throw error;
      answers.set(JSON.stringify(error.check), await authorize(error.check));
    }
  }
  throw new CelError(`the expression asks for more than ${maxAccessChecks} access checks`);
}
