/** Optional values. Source: https://pkg.go.dev/github.com/google/cel-go/cel#OptionalTypes */
import { CelError } from "../issues.ts";
import type { Value } from "../values.ts";
import { ArrayList, Duration, ListValue, MapValue, OptionalValue, Timestamp, Uint } from "../values.ts";
import type { Overload } from "./overload.ts";
import { overload } from "./overload.ts";

/** Go's zero time, the first of year 1. */
const firstTimestamp = -62_135_596_800_000_000_000n;

function isZero(value: Value): boolean {
  if (value === null || value === "" || value === false || value === 0) return true;
  if (typeof value === "bigint") return value === 0n;
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Duration) return value.nanoseconds === 0n;
  if (value instanceof Timestamp) return value.nanoseconds === firstTimestamp;
  if (value instanceof Uint8Array) return value.length === 0;
  return (value instanceof ListValue || value instanceof MapValue) && value.size === 0;
}

function present(optional: OptionalValue): Value {
  if (optional.value === undefined) throw new CelError("optional.none() dereference");
  return optional.value;
}

function unwrap(list: ListValue): ArrayList {
  const values: Value[] = [];
  for (const each of list) {
    if (!(each instanceof OptionalValue)) throw new CelError(`value ${each} is not optional`);
    if (each.value !== undefined) values.push(each.value);
  }
  return new ArrayList(values);
}

export const optionalFunctions: readonly Overload[] = [
  overload("#optional.of(T): optional<T>", (value: Value) => new OptionalValue(value)),
  overload("#optional.ofNonZeroValue(T): optional<T>", (value: Value) =>
    isZero(value) ? OptionalValue.none : new OptionalValue(value),
  ),
  overload("#optional.none(): optional<T>", () => OptionalValue.none),
  overload("optional<T>.hasValue(): bool", ({ value }: OptionalValue) => value !== undefined),
  overload("optional<T>.value(): T", present),
  overload("optional<T>.or(optional<T>): optional<T>", (a: OptionalValue, b: OptionalValue) =>
    a.value === undefined ? b : a,
  ),
  overload("optional<T>.orValue(T): T", (a: OptionalValue, b: Value) => (a.value === undefined ? b : a.value)),
  overload("list<V>.last(): optional<V>", (list: ListValue) =>
    list.size === 0 ? OptionalValue.none : new OptionalValue(list.at(list.size - 1)),
  ),
  overload("list<V>.first(): optional<V>", (list: ListValue) =>
    list.size === 0 ? OptionalValue.none : new OptionalValue(list.at(0)),
  ),
  overload("#optional.unwrap(list<optional<V>>): list<V>", unwrap),
  overload("list<optional<V>>.unwrapOpt(): list<V>", unwrap),
];
