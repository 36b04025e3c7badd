import type { Budget } from "./budget.ts";
import type { CelType } from "./types.ts";
import { types } from "./types.ts";
import type { Value } from "./values.ts";

/** State of one run. */
export interface Run {
  readonly budget: Budget;
  /** Variables of loops and `cel.bind`, by slot. */
  readonly slots: Value[];
  variable(name: string): Value;
}

export type Evaluate = (run: Run) => Value;

export interface Planned {
  readonly type: CelType;
  readonly evaluate: Evaluate;
}

/** Stands for a node that was reported: it runs never, and its type starts no second report. */
export const nothing: Planned = { type: types.dyn, evaluate: () => null };
