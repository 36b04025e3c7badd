import type { Budget } from "./budget.ts";
import { CelError } from "./issues.ts";
import { JsonList } from "./json-values.ts";
import { checkDuration, checkTimestamp } from "./times.ts";
import type { Value } from "./values.ts";
import {
  ArrayList,
  Duration,
  joinLists,
  ListValue,
  MapValue,
  Opaque,
  OptionalValue,
  Timestamp,
  TypeValue,
  typeNameOf,
  Uint,
} from "./values.ts";

const minInt = -(2n ** 63n);
const maxInt = 2n ** 63n - 1n;
const maxUint = 2n ** 64n - 1n;

export function checkInt(value: bigint): bigint {
  if (value < minInt || value > maxInt) throw new CelError("integer overflow");
  return value;
}

export function checkUint(value: bigint): Uint {
  if (value < 0n || value > maxUint) throw new CelError("unsigned integer overflow");
  return new Uint(value);
}

/** What cel-go says when an operator meets a value that it does not take. */
export function noSuchOverload(): CelError {
  return new CelError("no such overload");
}

/** Deep equality; numbers of different types are equal when their values are, values of different types are not. */
export function equals(a: Value, b: Value, budget?: Budget): boolean {
  if (a === b) return !(a instanceof Opaque) || equalOpaque(a, b);
  if (a === null || b === null) return false;
  if (isNumeric(a) && isNumeric(b)) return orderOfNumbers(a, b) === 0;
  if (typeof a !== "object") return false;
  if (a instanceof Opaque) return equalOpaque(a, b);
  if (typeof b !== "object") return false;
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b, budget);
  if (a instanceof MapValue) return b instanceof MapValue && equalMaps(a, b, budget);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanoseconds === b.nanoseconds;
  if (a instanceof Duration) return b instanceof Duration && a.nanoseconds === b.nanoseconds;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof OptionalValue) return b instanceof OptionalValue && equalOptionals(a, b, budget);
  return false;
}

/** Values of Kubernetes' types compare with their own type only. */
function equalOpaque(a: Opaque, b: Value): boolean {
  if (b instanceof Opaque && a.typeName === b.typeName) return a.equals(b);
  throw noSuchOverload();
}

function equalOptionals(a: OptionalValue, b: OptionalValue, budget: Budget | undefined): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equals(a.value, b.value, budget);
}

/** Lists that are sets or maps by their schema are equal whatever their order. */
function equalLists(a: ListValue, b: ListValue, budget: Budget | undefined): boolean {
  if (a.size !== b.size) return false;
  const type = a instanceof JsonList ? a.schema?.["x-kubernetes-list-type"] : undefined;
  if (type === "set" || type === "map") {
    const others = [...b];
    return [...a].every((item) => others.some((other) => step(budget) && equals(item, other, budget)));
  }
  for (let index = 0; index < a.size; index++) {
    budget?.step();
    if (!equals(a.at(index), b.at(index), budget)) return false;
  }
  return true;
}

function step(budget: Budget | undefined): true {
  budget?.step();
  return true;
}

function equalMaps(a: MapValue, b: MapValue, budget: Budget | undefined): boolean {
  if (a.size !== b.size || typeNameOf(a) !== typeNameOf(b)) return false;
  for (const key of a.keys()) {
    budget?.step();
    const other = b.get(key);
    if (other === undefined || !equals(a.get(key) ?? null, other, budget)) return false;
  }
  return true;
}

export function isNumeric(value: Value): value is bigint | number | Uint {
  return typeof value === "bigint" || typeof value === "number" || value instanceof Uint;
}

/** Numbers of any two types by value, an integer beside a double as a double; undefined with NaN. */
function orderOfNumbers(a: bigint | number | Uint, b: bigint | number | Uint): number | undefined {
  let left = a instanceof Uint ? a.value : a;
  let right = b instanceof Uint ? b.value : b;
  if (typeof left !== typeof right) {
    left = Number(left);
    right = Number(right);
  }
  if (left < right) return -1;
  if (left > right) return 1;
  return left >= right ? 0 : undefined; // false only with NaN
}

/** -1, 0 or 1. @throws CelError for values that have no order */
export function compare(a: Value, b: Value): number {
  if (isNumeric(a) && isNumeric(b)) {
    const order = orderOfNumbers(a, b);
    if (order === undefined) throw new CelError("NaN values cannot be ordered");
    return order;
  }
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return sign(a.nanoseconds - b.nanoseconds);
  if (a instanceof Duration && b instanceof Duration) return sign(a.nanoseconds - b.nanoseconds);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  throw noSuchOverload();
}

function sign(value: bigint): number {
  return value < 0n ? -1 : value > 0n ? 1 : 0;
}

/** By code points, where JavaScript compares UTF-16 units. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    const bothBasic = left < 0xd800 && right < 0xd800;
    if (bothBasic) return left < right ? -1 : 1;
    return (a.codePointAt(index) ?? 0) < (b.codePointAt(index) ?? 0) ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}

export function add(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return checkInt(a + b);
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a instanceof Uint && b instanceof Uint) return checkUint(a.value + b.value);
  if (a instanceof ListValue && b instanceof ListValue) return addLists(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return new Uint8Array(Buffer.concat([a, b]));
  if (a instanceof Timestamp && b instanceof Duration)
    return new Timestamp(checkTimestamp(a.nanoseconds + b.nanoseconds));
  if (a instanceof Duration && b instanceof Timestamp)
    return new Timestamp(checkTimestamp(a.nanoseconds + b.nanoseconds));
  if (a instanceof Duration && b instanceof Duration) return new Duration(checkDuration(a.nanoseconds + b.nanoseconds));
  throw noSuchOverload();
}

/** To a list that is a set or map by its schema only what is new is added; an item with the key of another replaces it. */
function addLists(a: ListValue, b: ListValue): ListValue {
  const schema = a instanceof JsonList ? a.schema : undefined;
  const type = schema?.["x-kubernetes-list-type"];
  if (type === "set") {
    const more: Value[] = [];
    for (const item of b) if (![...a, ...more].some((known) => equals(known, item))) more.push(item);
    return joinLists(a, new ArrayList(more));
  }
  if (type !== "map") return joinLists(a, b);
  const names = schema?.["x-kubernetes-list-map-keys"] ?? [];
  const keyOf = (item: Value) =>
    new ArrayList(names.map((name) => (item instanceof MapValue ? (item.get(name) ?? null) : null)));
  const items = [...a];
  for (const item of b) {
    const at = items.findIndex((known) => equals(keyOf(known), keyOf(item)));
    if (at < 0) items.push(item);
    else items[at] = item;
  }
  return new ArrayList(items);
}

export function subtract(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return checkInt(a - b);
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a instanceof Uint && b instanceof Uint) return checkUint(a.value - b.value);
  if (a instanceof Timestamp && b instanceof Timestamp)
    return new Duration(checkDuration(a.nanoseconds - b.nanoseconds));
  if (a instanceof Timestamp && b instanceof Duration)
    return new Timestamp(checkTimestamp(a.nanoseconds - b.nanoseconds));
  if (a instanceof Duration && b instanceof Duration) return new Duration(checkDuration(a.nanoseconds - b.nanoseconds));
  throw noSuchOverload();
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return checkInt(a * b);
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (a instanceof Uint && b instanceof Uint) return checkUint(a.value * b.value);
  throw noSuchOverload();
}

export function divide(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a / b;
  if (typeof a === "bigint" && typeof b === "bigint") return checkInt(a / nonZero(b, "division by zero"));
  if (a instanceof Uint && b instanceof Uint) return new Uint(a.value / nonZero(b.value, "division by zero"));
  throw noSuchOverload();
}

export function modulo(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") {
    if (a === minInt && b === -1n) throw new CelError("integer overflow");
    return a % nonZero(b, "modulus by zero");
  }
  if (a instanceof Uint && b instanceof Uint) return new Uint(a.value % nonZero(b.value, "modulus by zero"));
  throw noSuchOverload();
}

function nonZero(value: bigint, problem: string): bigint {
  if (value === 0n) throw new CelError(problem);
  return value;
}

export function negate(a: Value): Value {
  if (typeof a === "bigint") return checkInt(-a);
  if (typeof a === "number") return -a;
  if (a instanceof Duration) return new Duration(checkDuration(-a.nanoseconds));
  throw noSuchOverload();
}

/** `x in list`, `key in map`. */
export function contains(item: Value, container: Value, budget?: Budget): boolean {
  if (container instanceof MapValue) return container.has(item);
  if (!(container instanceof ListValue)) throw noSuchOverload();
  for (const each of container) {
    budget?.step();
    if (equals(each, item, budget)) return true;
  }
  return false;
}
