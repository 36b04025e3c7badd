import { CelError } from "./issues.ts";
import { checkDuration, checkTimestamp } from "./times.ts";
import type { Value } from "./values.ts";
import {
  ArrayList,
  Duration,
  JsonList,
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

export function noOverload(name: string, ...args: Value[]): CelError {
  return new CelError(`no such overload: ${name}(${args.map(typeNameOf).join(", ")})`);
}

/** Deep equality; numbers of different types are equal when their values are, values of different types are not. */
export function equals(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b) === 0;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (a instanceof ListValue) return b instanceof ListValue && equalLists(a, b);
  if (a instanceof MapValue) return b instanceof MapValue && equalMaps(a, b);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanoseconds === b.nanoseconds;
  if (a instanceof Duration) return b instanceof Duration && a.nanoseconds === b.nanoseconds;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof OptionalValue) return b instanceof OptionalValue && equalOptionals(a, b);
  return a instanceof Opaque && b instanceof Opaque && a.typeName === b.typeName && a.equals(b);
}

function equalOptionals(a: OptionalValue, b: OptionalValue): boolean {
  if (a.value === undefined || b.value === undefined) return a.value === b.value;
  return equals(a.value, b.value);
}

/** Lists that are sets or maps by their schema are equal whatever their order. */
function equalLists(a: ListValue, b: ListValue): boolean {
  if (a.size !== b.size) return false;
  const type = a instanceof JsonList ? a.schema?.["x-kubernetes-list-type"] : undefined;
  if (type === "set" || type === "map") return [...a].every((item) => [...b].some((other) => equals(item, other)));
  for (let index = 0; index < a.size; index++) if (!equals(a.at(index), b.at(index))) return false;
  return true;
}

function equalMaps(a: MapValue, b: MapValue): boolean {
  if (a.size !== b.size) return false;
  for (const key of a.keys()) {
    const other = b.get(key);
    if (other === undefined || !equals(a.get(key) ?? null, other)) return false;
  }
  return true;
}

export function isNumeric(value: Value): value is bigint | number | Uint {
  return typeof value === "bigint" || typeof value === "number" || value instanceof Uint;
}

/** Numbers of any two types by value, an integer beside a double as a double; undefined with NaN. */
function compareNumbers(a: bigint | number | Uint, b: bigint | number | Uint): number | undefined {
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

/** -1, 0 or 1; undefined when a NaN is compared. @throws CelError for values that have no order */
export function compare(operator: string, a: Value, b: Value): number | undefined {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return compareText(a, b);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Timestamp && b instanceof Timestamp) return sign(a.nanoseconds - b.nanoseconds);
  if (a instanceof Duration && b instanceof Duration) return sign(a.nanoseconds - b.nanoseconds);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  throw noOverload(operator, a, b);
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
  if (a instanceof ListValue && b instanceof ListValue) return new ArrayList([...a, ...b]);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return new Uint8Array(Buffer.concat([a, b]));
  if (a instanceof Timestamp && b instanceof Duration)
    return new Timestamp(checkTimestamp(a.nanoseconds + b.nanoseconds));
  if (a instanceof Duration && b instanceof Timestamp)
    return new Timestamp(checkTimestamp(a.nanoseconds + b.nanoseconds));
  if (a instanceof Duration && b instanceof Duration) return new Duration(checkDuration(a.nanoseconds + b.nanoseconds));
  throw noOverload("_+_", a, b);
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
  throw noOverload("_-_", a, b);
}

export function multiply(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return checkInt(a * b);
  if (typeof a === "number" && typeof b === "number") return a * b;
  if (a instanceof Uint && b instanceof Uint) return checkUint(a.value * b.value);
  throw noOverload("_*_", a, b);
}

export function divide(a: Value, b: Value): Value {
  if (typeof a === "number" && typeof b === "number") return a / b;
  if (typeof a === "bigint" && typeof b === "bigint") return checkInt(a / nonZero(b, "division by zero"));
  if (a instanceof Uint && b instanceof Uint) return new Uint(a.value / nonZero(b.value, "division by zero"));
  throw noOverload("_/_", a, b);
}

export function modulo(a: Value, b: Value): Value {
  if (typeof a === "bigint" && typeof b === "bigint") return a % nonZero(b, "modulus by zero");
  if (a instanceof Uint && b instanceof Uint) return new Uint(a.value % nonZero(b.value, "modulus by zero"));
  throw noOverload("_%_", a, b);
}

function nonZero(value: bigint, problem: string): bigint {
  if (value === 0n) throw new CelError(problem);
  return value;
}

export function negate(a: Value): Value {
  if (typeof a === "bigint") return checkInt(-a);
  if (typeof a === "number") return -a;
  if (a instanceof Duration) return new Duration(checkDuration(-a.nanoseconds));
  throw noOverload("-_", a);
}

/** `x in list`, `key in map`. */
export function contains(item: Value, container: Value): boolean {
  if (container instanceof MapValue) return isKey(item) && container.has(item);
  if (!(container instanceof ListValue)) throw noOverload("@in", item, container);
  for (const each of container) if (equals(each, item)) return true;
  return false;
}

function isKey(value: Value): boolean {
  return typeof value === "string" || typeof value === "boolean" || isNumeric(value);
}

/** `container[index]`; undefined when it is not there. */
export function lookUp(container: Value, index: Value): Value | undefined {
  if (container instanceof MapValue) {
    if (!isKey(index)) throw noOverload("_[_]", container, index);
    return container.get(index);
  }
  if (!(container instanceof ListValue)) throw noOverload("_[_]", container, index);
  const position = index instanceof Uint ? index.value : index;
  if (typeof position !== "bigint" && !(typeof position === "number" && Number.isInteger(position)))
    throw noOverload("_[_]", container, index);
  const at = Number(position);
  return at >= 0 && at < container.size ? container.at(at) : undefined;
}
