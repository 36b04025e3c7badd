/** Literals, lists and maps that an expression writes out. */
import type { NodeOf } from "./ast.ts";
import { CelError } from "./issues.ts";
import { noOverload } from "./operators.ts";
import type { Evaluate, Planned } from "./plan.ts";
import { types } from "./types.ts";
import type { Value } from "./values.ts";
import { ArrayList, ArrayMap, OptionalValue, TypeValue, Uint } from "./values.ts";

export function literal({ value }: NodeOf<"literal">): Planned {
  if (value === null) return { type: types.null, evaluate: () => null };
  if (typeof value === "bigint") return { type: types.int, evaluate: () => value };
  if (typeof value === "number") return { type: types.double, evaluate: () => value };
  if (typeof value === "string") return { type: types.string, evaluate: () => value };
  if (typeof value === "boolean") return { type: types.bool, evaluate: () => value };
  if (value instanceof Uint8Array) return { type: types.bytes, evaluate: () => value };
  const unsigned = new Uint(value.uint);
  return { type: types.uint, evaluate: () => unsigned };
}

export function typeLiteral(name: string): Planned {
  const value = new TypeValue(name);
  return { type: types.type, evaluate: () => value };
}

export interface PlannedEntry {
  key: Evaluate;
  value: Evaluate;
  optional: boolean;
}

/** A map of entries; costs are cel-go's. */
export function mapLiteral(entries: readonly PlannedEntry[], typeName?: string): Evaluate {
  const cost = typeName === undefined ? 30 : 40;
  return (run) => {
    run.budget.spend(cost);
    const map = new ArrayMap(typeName);
    for (const { key, value, optional } of entries) {
      const name = key(run);
      addEntry(map, name, value(run), optional);
    }
    return map;
  };
}

export function listLiteral(elements: readonly (Planned & { optional: boolean })[]): Evaluate {
  return (run) => {
    run.budget.spend(10);
    const values: Value[] = [];
    for (const { evaluate, optional } of elements) {
      const value = evaluate(run);
      if (!optional) values.push(value);
      else if (!(value instanceof OptionalValue)) throw noOverload("optional list element", value);
      else if (value.value !== undefined) values.push(value.value);
    }
    return new ArrayList(values);
  };
}

function addEntry(map: ArrayMap, key: Value, value: Value, optional: boolean): void {
  let present: Value | undefined = value;
  if (optional) {
    if (!(value instanceof OptionalValue)) throw noOverload("optional map entry", value);
    present = value.value;
  }
  if (present !== undefined && !map.add(key, present)) throw new CelError(`Failed with repeated key`);
}
