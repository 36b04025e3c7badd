/** The operators as overloads: which types they take, in cel-go's order. Source: cel-go v0.26 common/stdlib/standard.go. */
import { CelError } from "../issues.ts";
import {
  add,
  compare,
  contains,
  divide,
  equals,
  modulo,
  multiply,
  negate,
  noSuchOverload,
  subtract,
} from "../operators.ts";
import type { Value } from "../values.ts";
import { ArrayMap, type MapValue } from "../values.ts";
import type { Overload } from "./overload.ts";
import { operator, overload } from "./overload.ts";

type Binary = (a: Value, b: Value) => Value;

function binary(name: string, call: Binary, signatures: readonly string[]): Overload[] {
  return signatures.map((signature) => {
    const [parameters = "", result = ""] = signature.split(" -> ");
    return operator(name, parameters, result, call);
  });
}

const numbers = ["int", "uint", "double"];
const ordered = [
  "bool, bool",
  ...numbers.flatMap((a) => numbers.map((b) => `${a}, ${b}`)),
  "string, string",
  "bytes, bytes",
  "timestamp, timestamp",
  "duration, duration",
];

function relation(name: string, holds: (order: number) => boolean): Overload[] {
  const call: Binary = (a, b) => holds(compare(a, b));
  return binary(
    name,
    call,
    ordered.map((parameters) => `${parameters} -> bool`),
  );
}

/** Never called: the planner knows these, because they do not evaluate all their arguments. */
const special = (): Value => {
  throw noSuchOverload();
};

function insert(...args: Value[]): Value {
  const [target, ...rest] = args as [MapValue, ...Value[]];
  const map = target instanceof ArrayMap && target.isGrowing ? target : ArrayMap.growing(target);
  const entries: [Value, Value][] =
    rest.length === 2
      ? [[rest[0] as Value, rest[1] as Value]]
      : [...(rest[0] as MapValue).keys()].map((key) => [key, (rest[0] as MapValue).get(key) ?? null]);
  for (const [key, value] of entries)
    if (!map.add(key, value)) throw new CelError(`insert failed: key ${keyText(key)} already exists`);
  return map;
}

function keyText(key: Value): string {
  return typeof key === "object" && key !== null && "value" in key ? String(key.value) : String(key);
}

export const operatorFunctions: readonly Overload[] = [
  operator("_?_:_", "bool, A, A", "A", special),
  operator("_&&_", "bool, bool", "bool", special),
  operator("_||_", "bool, bool", "bool", special),
  operator("!_", "bool", "bool", (a: Value) => {
    if (typeof a !== "boolean") throw noSuchOverload();
    return !a;
  }),
  operator("@not_strictly_false", "bool", "bool", special),
  operator("_==_", "A, A", "bool", equals),
  operator("_!=_", "A, A", "bool", (a: Value, b: Value) => !equals(a, b)),
  ...binary("_+_", add, [
    "bytes, bytes -> bytes",
    "double, double -> double",
    "duration, duration -> duration",
    "duration, timestamp -> timestamp",
    "timestamp, duration -> timestamp",
    "int, int -> int",
    "list<A>, list<A> -> list<A>",
    "string, string -> string",
    "uint, uint -> uint",
  ]),
  ...binary("_/_", divide, ["double, double -> double", "int, int -> int", "uint, uint -> uint"]),
  ...binary("_%_", modulo, ["int, int -> int", "uint, uint -> uint"]),
  ...binary("_*_", multiply, ["double, double -> double", "int, int -> int", "uint, uint -> uint"]),
  operator("-_", "double", "double", negate),
  operator("-_", "int", "int", negate),
  ...binary("_-_", subtract, [
    "double, double -> double",
    "duration, duration -> duration",
    "int, int -> int",
    "timestamp, duration -> timestamp",
    "timestamp, timestamp -> duration",
    "uint, uint -> uint",
  ]),
  ...relation("_<_", (order) => order < 0),
  ...relation("_<=_", (order) => order <= 0),
  ...relation("_>_", (order) => order > 0),
  ...relation("_>=_", (order) => order >= 0),
  operator("_[_]", "list<A>, int", "A", special),
  operator("_[_]", "map<A, B>, A", "B", special),
  operator("_[_]", "optional<list<V>>, int", "optional<V>", special),
  operator("_[_]", "optional<map<K, V>>, K", "optional<V>", special),
  operator("_[?_]", "list<V>, int", "optional<V>", special),
  operator("_[?_]", "optional<list<V>>, int", "optional<V>", special),
  operator("_[?_]", "map<K, V>, K", "optional<V>", special),
  operator("_[?_]", "optional<map<K, V>>, K", "optional<V>", special),
  ...binary("@in", contains, ["A, list<A> -> bool", "A, map<A, B> -> bool"]),
  overload("#cel.@mapInsert(map<K, V>, K, V): map<K, V>", insert),
  overload("#cel.@mapInsert(map<K, V>, map<K, V>): map<K, V>", insert),
];
