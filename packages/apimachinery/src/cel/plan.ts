import type { Attribute } from "./attributes.ts";
import { Budget } from "./budget.ts";
import { CelError } from "./issues.ts";
import type { Value } from "./values.ts";

/** State of one run. */
export interface Run {
  readonly budget: Budget;
  /** Variables of loops, by slot: a value, a CelError that is thrown when the variable is used, or a Pending value. */
  readonly slots: unknown[];
  variable(name: string): Value;
}

export type Evaluate = (run: Run) => Value;

/** A node as something to run. */
export interface Planned {
  /** Gives the value and spends what the node costs. @throws CelError */
  readonly evaluate: Evaluate;
  /** Known before the run. */
  readonly constant?: Value;
  /** Set for variables, selections, indexes and conditionals: what follows them is added to it instead of being a step of its own. */
  readonly attribute?: Attribute;
}

/** A program that cannot be made: a constant that does not convert, a pattern that is none. */
export class CelProgramError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "CelProgramError";
  }
}

export function constant(value: Value): Planned {
  return { constant: value, evaluate: () => value };
}

/** What a step without variables gives, computed now. @throws CelProgramError */
export function folded(evaluate: Evaluate): Planned {
  const run: Run = {
    budget: new Budget(),
    slots: [],
    variable: () => {
      throw new Error("a constant has no variables");
    },
  };
  try {
    return constant(evaluate(run));
  } catch (error) {
    if (error instanceof CelError) throw new CelProgramError(error.message);
    throw error;
  }
}
