/** Operators while an expression runs. */
import { CelError } from "./issues.ts";
import { noOverload } from "./operators.ts";
import type { Evaluate } from "./plan.ts";
import type { Value } from "./values.ts";
import { ListValue } from "./values.ts";

/** False wins over an error on either side, as the specification wants. */
export function and(left: Evaluate, right: Evaluate): Evaluate {
  return logical(left, right, false, "_&&_");
}

export function or(left: Evaluate, right: Evaluate): Evaluate {
  return logical(left, right, true, "_||_");
}

function logical(left: Evaluate, right: Evaluate, winner: boolean, name: string): Evaluate {
  return (run) => {
    let problem: CelError | undefined;
    try {
      const value = left(run);
      if (value === winner) return winner;
      if (typeof value !== "boolean") problem = noOverload(name, value);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      problem = error;
    }
    const value = right(run);
    if (value === winner) return winner;
    if (problem !== undefined) throw problem;
    if (typeof value !== "boolean") throw noOverload(name, value);
    return !winner;
  };
}

export function conditional(condition: Evaluate, yes: Evaluate, no: Evaluate): Evaluate {
  return (run) => {
    const value = condition(run);
    if (typeof value !== "boolean") throw noOverload("_?_:_", value);
    return value ? yes(run) : no(run);
  };
}

export function evaluateUnary(apply: (a: Value) => Value, operand: Evaluate): Evaluate {
  return (run) => {
    const value = operand(run);
    run.budget.spend(1);
    return apply(value);
  };
}

export function evaluateBinary(apply: (a: Value, b: Value) => Value, left: Evaluate, right: Evaluate): Evaluate {
  return (run) => {
    const a = left(run);
    const b = right(run);
    run.budget.spend(sizeCost(a, b));
    return apply(a, b);
  };
}

/** Comparing or joining texts and lists walks over them. */
function sizeCost(a: Value, b: Value): number {
  if (typeof a === "string") return typeof b === "string" ? 1 + Math.floor(Math.min(a.length, b.length) / 10) : 1;
  if (a instanceof ListValue || b instanceof ListValue)
    return 1 + (a instanceof ListValue ? a.size : 0) + (b instanceof ListValue ? b.size : 0);
  return 1;
}

export function noOperator(a: Value, b: Value): Value {
  throw noOverload("operator", a, b);
}
