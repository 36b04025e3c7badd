/** Macros that visit the elements of a list or the keys of a map. */
import type { LoopMacro, NodeOf } from "./ast.ts";
import type { Compiler } from "./compiler.ts";
import { sortedBy } from "./functions/lists.ts";
import { CelError } from "./issues.ts";
import { noOverload } from "./operators.ts";
import type { Evaluate, Planned, Run } from "./plan.ts";
import type { CelType } from "./types.ts";
import { listOf, mapOf, types } from "./types.ts";
import type { Value } from "./values.ts";
import { ArrayList, ArrayMap, ListValue, MapValue } from "./values.ts";

export interface Loop {
  macro: LoopMacro;
  range: Evaluate;
  firstSlot: number;
  secondSlot: number | undefined;
  parts: readonly Planned[];
}

/** Plans a loop whose parts are planned: the last part is the body, one before it a filter. */
export function planLoop(compiler: Compiler, node: NodeOf<"loop">, loop: Loop, element: CelType): Planned {
  const body = loop.parts.at(-1);
  if (body === undefined) throw new Error(`macro ${node.macro} has no body`);
  const condition = loop.parts.length === 2 ? loop.parts[0] : undefined;
  if (condition !== undefined) compiler.expectBool(condition, node.parts[0]);
  switch (loop.macro) {
    case "all":
    case "exists":
      compiler.expectBool(body, node.parts[0]);
      return { type: types.bool, evaluate: quantifier(loop, body.evaluate, loop.macro === "exists") };
    case "exists_one":
      compiler.expectBool(body, node.parts[0]);
      return { type: types.bool, evaluate: existsOne(loop, body.evaluate) };
    case "filter":
      compiler.expectBool(body, node.parts[0]);
      return { type: listOf(element), evaluate: filter(loop, body.evaluate) };
    case "map":
    case "transformList":
      return { type: listOf(body.type), evaluate: transformList(loop, condition?.evaluate, body.evaluate) };
    case "transformMap":
      return { type: mapOf(element, body.type), evaluate: transformMap(loop, condition?.evaluate, body.evaluate) };
    case "transformMapEntry":
      return {
        type: body.type.kind === "map" ? body.type : types.dyn,
        evaluate: transformEntries(loop, condition?.evaluate, body.evaluate),
      };
    case "sortBy":
      return { type: listOf(element), evaluate: sortBy(loop, body.evaluate) };
  }
}

/** Sets the loop's variables for each element in turn and calls `visit` with what it iterates over; stops when that returns true. */
function iterate(
  { macro, range, firstSlot, secondSlot }: Loop,
  run: Run,
  visit: (first: Value) => boolean | undefined,
): void {
  const value = range(run);
  if (value instanceof ListValue) {
    for (let index = 0; index < value.size; index++) {
      const item = value.at(index);
      run.budget.spend(1);
      run.slots[firstSlot] = secondSlot === undefined ? item : BigInt(index);
      if (secondSlot !== undefined) run.slots[secondSlot] = item;
      if (visit(run.slots[firstSlot] as Value)) return;
    }
  } else if (value instanceof MapValue) {
    for (const key of value.keys()) {
      run.budget.spend(1);
      run.slots[firstSlot] = key;
      if (secondSlot !== undefined) run.slots[secondSlot] = value.get(key) ?? null;
      if (visit(key)) return;
    }
  } else throw noOverload(macro, value);
}

function truth(value: Value, macro: string): boolean {
  if (typeof value !== "boolean") throw noOverload(macro, value);
  return value;
}

/** `exists` is a chain of `||`, `all` one of `&&`: a decisive element wins over errors at others. */
function quantifier(loop: Loop, body: Evaluate, decisive: boolean): Evaluate {
  return (run) => {
    let problem: CelError | undefined;
    let isDecided = false;
    iterate(loop, run, () => {
      try {
        isDecided = truth(body(run), loop.macro) === decisive;
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        problem ??= error;
      }
      return isDecided;
    });
    if (isDecided) return decisive;
    if (problem !== undefined) throw problem;
    return !decisive;
  };
}

function existsOne(loop: Loop, body: Evaluate): Evaluate {
  return (run) => {
    let count = 0;
    iterate(loop, run, () => {
      if (truth(body(run), loop.macro)) count++;
      return undefined;
    });
    return count === 1;
  };
}

function filter(loop: Loop, body: Evaluate): Evaluate {
  return (run) => {
    const kept: Value[] = [];
    iterate(loop, run, (element) => {
      if (truth(body(run), loop.macro)) kept.push(element);
      return undefined;
    });
    return new ArrayList(kept);
  };
}

function transformList(loop: Loop, condition: Evaluate | undefined, body: Evaluate): Evaluate {
  return (run) => {
    const values: Value[] = [];
    iterate(loop, run, () => {
      if (condition === undefined || truth(condition(run), loop.macro)) values.push(body(run));
      return undefined;
    });
    return new ArrayList(values);
  };
}

function transformMap(loop: Loop, condition: Evaluate | undefined, body: Evaluate): Evaluate {
  return (run) => {
    const map = new ArrayMap();
    iterate(loop, run, (key) => {
      if (condition === undefined || truth(condition(run), loop.macro)) map.add(key, body(run));
      return undefined;
    });
    return map;
  };
}

function transformEntries(loop: Loop, condition: Evaluate | undefined, body: Evaluate): Evaluate {
  return (run) => {
    const map = new ArrayMap();
    iterate(loop, run, () => {
      if (condition !== undefined && !truth(condition(run), loop.macro)) return undefined;
      const entries = body(run);
      if (!(entries instanceof MapValue)) throw noOverload(loop.macro, entries);
      for (const key of entries.keys()) {
        if (!map.add(key, entries.get(key) ?? null)) throw new CelError("insert failed: key already exists");
      }
      return undefined;
    });
    return map;
  };
}

function sortBy(loop: Loop, body: Evaluate): Evaluate {
  return (run) => {
    const items: Value[] = [];
    const keys: Value[] = [];
    iterate(loop, run, (element) => {
      items.push(element);
      keys.push(body(run));
      return undefined;
    });
    run.budget.spend(items.length * 8);
    return sortedBy(items, keys);
  };
}
