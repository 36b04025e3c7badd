/** Lists, maps and objects that an expression writes out. */
import { CelError } from "./issues.ts";
import type { Evaluate, Planned } from "./plan.ts";
import type { Value } from "./values.ts";
import { ArrayList, ArrayMap, OptionalValue, Uint } from "./values.ts";

export interface PlannedEntry {
  key: Evaluate;
  value: Evaluate;
  optional: boolean;
}

export function listLiteral(elements: readonly (Planned & { optional: boolean })[]): Evaluate {
  return (run) => {
    const values: Value[] = [];
    for (const { evaluate, optional } of elements) {
      const value = evaluate(run);
      if (!optional) values.push(value);
      else if (!(value instanceof OptionalValue))
        throw new CelError(`cannot initialize optional list element from non-optional value ${text(value)}`);
      else if (value.value !== undefined) values.push(value.value);
    }
    return new ArrayList(values);
  };
}

/** A later entry replaces an earlier one with the same key. */
export function mapLiteral(entries: readonly PlannedEntry[]): Evaluate {
  return (run) => {
    const map = new ArrayMap();
    for (const { key, value, optional } of entries) {
      const name = key(run);
      const given = value(run);
      if (!optional) map.set(name, given);
      else if (!(given instanceof OptionalValue))
        throw new CelError(`cannot initialize optional entry '${text(name)}' from non-optional value ${text(given)}`);
      else if (given.value === undefined) map.delete(name);
      else map.set(name, given.value);
    }
    return map;
  };
}

export interface PlannedField {
  name: string;
  value: Evaluate;
  optional: boolean;
}

const objectCost = 40;

export function structLiteral(typeName: string, fields: readonly PlannedField[]): Planned {
  return {
    evaluate: (run) => {
      try {
        const map = new ArrayMap(typeName);
        for (const { name, value, optional } of fields) {
          const given = value(run);
          if (!optional) map.set(name, given);
          else if (!(given instanceof OptionalValue))
            throw new CelError(`cannot initialize optional entry '${name}' from non-optional value ${text(given)}`);
          else if (given.value !== undefined) map.set(name, given.value);
        }
        return map;
      } finally {
        run.budget.spend(objectCost);
      }
    },
  };
}

function text(value: Value): string {
  return value instanceof Uint ? String(value.value) : String(value);
}
