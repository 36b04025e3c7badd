/** Loops while an expression runs. */
import type { ExprOf } from "./ast.ts";
import { goType } from "./attributes.ts";
import { CelError } from "./issues.ts";
import type { Evaluate, Planned, Run } from "./plan.ts";
import type { Planner } from "./planner.ts";
import type { Value } from "./values.ts";
import { ArrayList, ArrayMap, GrowingList, ListValue, MapValue } from "./values.ts";

interface Steps {
  range: Evaluate;
  init: Evaluate;
  condition: Evaluate;
  /** The condition is the constant true, as in `map` and `filter`. */
  isEndless: boolean;
  step: Evaluate;
  result: Evaluate;
  /** The accumulator is the hidden one of a macro: nothing but the step sees it, so lists and maps in it grow in place. */
  isHidden: boolean;
  accumulator: number;
  first: number;
  second: number | undefined;
}

export function planFold(planner: Planner, node: ExprOf<"fold">): Planned {
  const range = planner.plan(node.range).evaluate;
  const init = planner.plan(node.init).evaluate;
  return planner.withLocals([node.accumulator], ([accumulator = 0]) => {
    const variables = node.second === undefined ? [node.first] : [node.first, node.second];
    const loop = planner.withLocals(variables, ([first = 0, second]) => {
      const condition = planner.plan(node.condition);
      const step = planner.plan(node.step).evaluate;
      return { condition: condition.evaluate, isEndless: condition.constant === true, step, first, second };
    });
    const result = planner.plan(node.result).evaluate;
    const isHidden = node.accumulator.startsWith("@result");
    return { evaluate: fold({ range, init, result, accumulator, isHidden, ...loop }) };
  });
}

function fold(steps: Steps): Evaluate {
  return (run) => {
    const range = steps.range(run);
    run.slots[steps.accumulator] = new Pending(steps.init, steps.isHidden);
    if (range instanceof ListValue) foldList(steps, run, range);
    else if (range instanceof MapValue) foldMap(steps, run, range);
    else if (steps.second !== undefined) throw new CelError(`unsupported comprehension range type: ${goType(range)}`);
    else throw new CelError(`got '${goType(range)}', expected iterable type`);
    const value = steps.result(run);
    if (value instanceof GrowingList) return new ArrayList(value.values);
    return value instanceof ArrayMap ? value.settled() : value;
  };
}

/** The start of an accumulator, which is computed when it is first used. */
export class Pending {
  readonly #init: Evaluate;
  readonly #isHidden: boolean;

  constructor(init: Evaluate, isHidden: boolean) {
    this.#init = init;
    this.#isHidden = isHidden;
  }

  compute(run: Run): Value | CelError {
    const value = attempt(this.#init, run);
    if (!this.#isHidden) return value;
    if (value instanceof ListValue && value.size === 0) return new GrowingList();
    return value instanceof MapValue && value.size === 0 ? ArrayMap.growing() : value;
  }
}

/** An error of a step is the accumulator's value: the next step may absorb it. */
function attempt(evaluate: Evaluate, run: Run): Value | CelError {
  try {
    return evaluate(run);
  } catch (error) {
    if (error instanceof CelError) return error;
    throw error;
  }
}

function foldList(steps: Steps, run: Run, list: ListValue): void {
  const { first, second } = steps;
  let index = 0;
  for (const item of list) {
    run.slots[first] = second === undefined ? item : BigInt(index++);
    if (second !== undefined) run.slots[second] = item;
    if (!advance(steps, run)) return;
  }
}

function foldMap(steps: Steps, run: Run, map: MapValue): void {
  const { first, second } = steps;
  for (const key of map.keys()) {
    run.slots[first] = key;
    if (second !== undefined) run.slots[second] = map.get(key) ?? null;
    if (!advance(steps, run)) return;
  }
}

/** One turn; false when the condition ends the loop. */
function advance({ condition, isEndless, step, accumulator }: Steps, run: Run): boolean {
  run.budget.step();
  if (!isEndless && attempt(condition, run) === false) return false;
  run.slots[accumulator] = attempt(step, run);
  return true;
}
